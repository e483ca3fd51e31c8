using System.Net;
using System.Net.Sockets;

namespace Ambient.NodeProxy.Balancing;

/// <summary>Who wants an endpoint, from where, and when.</summary>
/// <param name="Address">The client pod's address: what affinity remembers it by.</param>
/// <param name="Family">The address family it used; the other one is used only if nothing else is left.</param>
/// <param name="Node">The node it runs on.</param>
/// <param name="Zone">The zone of that node; empty if unknown.</param>
/// <param name="NowTicks">Now, in ticks of 100 ns on the loop's clock.</param>
public readonly record struct Caller(IPAddress Address, AddressFamily Family, string Node, string Zone, long NowTicks);
