using System.Collections.Immutable;
using System.Net;

namespace Ambient.Protocol.Model;

/// <summary>A name and, unless headless, cluster addresses under which endpoints are reached.</summary>
public sealed record Service : MeshResource
{
    /// <summary>Its namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its cluster addresses; none for a headless service.</summary>
    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>Its ports.</summary>
    public ImmutableArray<ServicePort> Ports { get; init; } = [];

    /// <summary>It has no cluster address by intention; clients resolve it to its pods.</summary>
    public bool Headless { get; init; }

    /// <summary>How long a client address stays with its endpoint after its last connection; zero for no affinity.</summary>
    public TimeSpan ClientAffinity { get; init; }

    /// <summary>Which endpoints a client is sent to first.</summary>
    public TrafficDistribution Distribution { get; init; }

    /// <inheritdoc/>
    public override string Key => ResourceKeys.Service(Namespace, Name);

    /// <summary><c>NAMESPACE/NAME</c>, as displays and metrics show it.</summary>
    public string FullName => $"{Namespace}/{Name}";
}
