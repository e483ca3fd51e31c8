namespace Ambient.Controller.Replicas;

/// <summary>The MeshNodes of a cluster, one at a time.</summary>
internal interface IMeshNodeStore
{
    /// <returns>Null if there is none of this name.</returns>
    /// <exception cref="ClusterException">The API is away, or refuses.</exception>
    Task<MeshNode?> ReadAsync(string name, CancellationToken cancellation);

    /// <summary>Writes a status on condition that the object is still the version given, or not there for null.</summary>
    /// <returns>The version that is there now; null if somebody else was faster.</returns>
    /// <exception cref="ClusterException">The API is away, or refuses.</exception>
    Task<string?> TryWriteAsync(string name, string? version, MeshNodeStatus status, CancellationToken cancellation);
}
