using System.Net;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Discovery;

/// <summary>An endpoint that may be chosen for one port of a service.</summary>
/// <param name="Endpoint">The endpoint.</param>
/// <param name="Port">Where it listens for the service's port.</param>
public sealed record ReadyEndpoint(Endpoint Endpoint, int Port)
{
    /// <summary>Its endpoint's key: the same for all ports, and over all versions of the view.</summary>
    public string Key => Endpoint.WireKey;

    /// <summary>Where it is. Kept here, as its weight is: a choice looks at both, and among many endpoints each object is a cache miss.</summary>
    public IPAddress Address { get; } = Endpoint.Address;

    /// <summary>The pod behind it; null for an address that is no pod of the mesh.</summary>
    public string? WorkloadUid => Endpoint.WorkloadUid;

    /// <summary>The zone it runs in; empty if unknown.</summary>
    public string Zone => Endpoint.Zone;

    /// <summary>The node it runs on; empty if unknown.</summary>
    public string Node => Endpoint.Node;

    /// <summary>Its share relative to the others, at least 1.</summary>
    public int Weight { get; } = Endpoint.Weight;
}
