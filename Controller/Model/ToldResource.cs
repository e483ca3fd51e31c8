using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>
/// A resource as nodes are told of it, encoded once, and held once however many nodes and versions have it. Immutable: the same
/// object as long as nothing of it changed.
/// </summary>
internal sealed class ToldResource
{
    private readonly byte[] _bytes;

    private ToldResource(string key, string ns, byte[] bytes)
    {
        Key = key;
        Namespace = ns;
        _bytes = bytes;
    }

    internal string Key { get; }

    /// <summary>Who may reach this namespace is told of it; empty for what every node is told.</summary>
    internal string Namespace { get; }

    /// <summary>A serialized <see cref="Resource"/>.</summary>
    internal ReadOnlySpan<byte> Bytes => _bytes;

    internal int Length => _bytes.Length;

    internal static ToldResource Of(Resource resource, string ns) => new(resource.Key, ns, resource.ToByteArray());

    internal bool SaysWhat(ToldResource other) => Key == other.Key && Namespace == other.Namespace && Bytes.SequenceEqual(other.Bytes);

    /// <summary>What it says, read again: for people who look, not for nodes.</summary>
    internal Resource Read() => Resource.Parser.ParseFrom(_bytes);
}
