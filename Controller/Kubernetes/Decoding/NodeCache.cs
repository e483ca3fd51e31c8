using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>
/// Gives equal nodes as one where it can: the pods of one Deployment have the same labels and containers, and what a reader makes of
/// those (<see cref="YamlNode.Made"/>) is then made once and held once. Of a fixed size; a node that falls on another's place takes it.
/// Owned by one thread.
/// </summary>
internal sealed class NodeCache
{
    /// <summary>Longer nodes are not looked for, in kept bytes.</summary>
    internal const int MaxBytes = 4096;

    private const int Places = 1 << 12;
    private readonly (byte[] Kept, YamlNode Node)[] _places = new (byte[], YamlNode)[Places];

    /// <param name="kept">What tells the node from every other one.</param>
    /// <returns>An equal node from before, or this one.</returns>
    internal YamlNode Of(ReadOnlySpan<byte> kept, YamlNode node)
    {
        if (kept.Length > MaxBytes)
            return node;
        var hash = new HashCode();
        hash.AddBytes(kept);
        ref var place = ref _places[hash.ToHashCode() & (Places - 1)];
        if (place.Kept is not null && kept.SequenceEqual(place.Kept))
            return place.Node;
        place = (kept.ToArray(), node);
        return node;
    }
}
