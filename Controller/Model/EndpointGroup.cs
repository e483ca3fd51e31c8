using System.Collections.Immutable;

namespace Ambient.Controller.Model;

/// <summary>What the endpoints of a service that listen on the same ports have in common. Equal if its content is.</summary>
/// <param name="Service">The service's name.</param>
internal sealed record EndpointGroup(string Namespace, string Service, ImmutableArray<(string Name, uint Port)> Ports)
{
    /// <summary>The key of each of them, without its address.</summary>
    internal string Path { get; } = $"endpoint/{Namespace}/{Service}/";

    public bool Equals(EndpointGroup? other) => ReferenceEquals(this, other)
        || (other is not null && Namespace == other.Namespace && Service == other.Service && Ports.AsSpan().SequenceEqual(other.Ports.AsSpan()));

    public override int GetHashCode() => HashCode.Combine(Namespace, Service, Ports.Length);
}
