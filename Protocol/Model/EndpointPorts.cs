using System.Collections.Immutable;

namespace Ambient.Protocol.Model;

/// <summary>The ports of an endpoint, equal if their content is.</summary>
internal readonly struct EndpointPorts(ImmutableArray<EndpointPort> list) : IEquatable<EndpointPorts>
{
    internal ImmutableArray<EndpointPort> List { get; } = list;

    /// <inheritdoc/>
    public bool Equals(EndpointPorts other) => List.AsSpan().SequenceEqual(other.List.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is EndpointPorts other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => List.IsEmpty ? 0 : HashCode.Combine(List.Length, List[0]);
}
