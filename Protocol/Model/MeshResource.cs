namespace Ambient.Protocol.Model;

/// <summary>One thing of the mesh's model: a <see cref="Workload"/>, <see cref="Service"/>, <see cref="Endpoint"/>, <see cref="Node"/>,
/// <see cref="AccessPolicy"/> or <see cref="MeshSettings"/>.</summary>
/// <remarks>Immutable. Record equality compares arrays by reference; to compare content, compare what <see cref="ResourceWriter"/> makes of two.</remarks>
public abstract record MeshResource
{
    private protected MeshResource() { }

    /// <summary>The key the resource has on the wire, stable over its life (mesh.proto, <c>Resource.key</c>).</summary>
    public abstract string Key { get; }
}
