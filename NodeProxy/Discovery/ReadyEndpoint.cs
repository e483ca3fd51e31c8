using System.Net;

namespace Ambient.NodeProxy.Discovery;

/// <summary>An endpoint that may be chosen for one port of a service.</summary>
/// <param name="Key">Its endpoint's key: the same for all ports, and over all versions of the view.</param>
/// <param name="Address">Where it is.</param>
/// <param name="Port">Where it listens for the service's port.</param>
/// <param name="WorkloadUid">The pod behind it; null for an address that is no pod of the mesh.</param>
/// <param name="Zone">The zone it runs in; empty if unknown.</param>
/// <param name="Node">The node it runs on; empty if unknown.</param>
/// <param name="Weight">Its share relative to the others, at least 1.</param>
public sealed record ReadyEndpoint(string Key, IPAddress Address, int Port, string? WorkloadUid, string Zone, string Node, int Weight);
