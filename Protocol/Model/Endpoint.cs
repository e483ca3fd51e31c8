using System.Collections.Immutable;
using System.Net;

namespace Ambient.Protocol.Model;

/// <summary>An address that stands behind a service.</summary>
public sealed record Endpoint : MeshResource
{
    /// <summary>The key it came with; its last part tells the endpoints of one service apart.</summary>
    public required string WireKey { get; init; }

    /// <summary>The service's namespace.</summary>
    public required string ServiceNamespace { get; init; }

    /// <summary>The service's name.</summary>
    public required string ServiceName { get; init; }

    /// <summary>Where it is.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>The pod behind it; null for an address that is no pod of the mesh.</summary>
    public string? WorkloadUid { get; init; }

    /// <summary>Where it listens, by the service port's name.</summary>
    public ImmutableArray<EndpointPort> Ports { get; init; } = [];

    /// <summary>Only a ready endpoint is chosen.</summary>
    public bool Ready { get; init; }

    /// <summary>The zone it runs in; empty if unknown.</summary>
    public string Zone { get; init; } = "";

    /// <summary>The node it runs on; empty if unknown.</summary>
    public string Node { get; init; } = "";

    /// <summary>Its share relative to the others, at least 1.</summary>
    public int Weight { get; init; } = 1;

    /// <inheritdoc/>
    public override string Key => WireKey;
}
