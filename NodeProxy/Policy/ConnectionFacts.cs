using System.Net;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>What a decision about one connection to a captured pod may rest on.</summary>
/// <param name="Peer">Who the peer is, proven by its certificate (or, within a node, by the listener it came through); null if unproven.</param>
/// <param name="PeerAddress">Where the connection came from; proves nothing.</param>
/// <param name="Destination">The pod it wants to reach.</param>
/// <param name="Port">The pod's port.</param>
/// <param name="ProtectedInProcessOrTunnel">It came through a tunnel, or stayed inside this process.</param>
/// <param name="FromNode">
/// <see cref="PeerAddress"/> is some node's own address. Without a proven identity that is the source <c>node-address</c>: kubelet,
/// a pod on the host's network, or anybody outside whom kube-proxy has masqueraded.
/// </param>
public readonly record struct ConnectionFacts(
    SpiffeId? Peer, IPAddress PeerAddress, Workload Destination, int Port, bool ProtectedInProcessOrTunnel, bool FromNode = false)
{
    /// <summary>The identity that policy may rest on: a name that came without protection proves nothing.</summary>
    public SpiffeId? ProvenPeer => ProtectedInProcessOrTunnel ? Peer : null;

    /// <summary>It is the source <c>node-address</c>.</summary>
    public bool IsNodeAddress => FromNode && ProvenPeer is null;
}
