using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Policy;

/// <summary>What rules see of a connection.</summary>
/// <param name="Peer">Proven; null if not.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Port">The pod's port.</param>
/// <param name="IsNodeAddress">It comes from some node's own address, and has no proven identity.</param>
internal readonly record struct RuleSubject(SpiffeId? Peer, SourceAddress Source, int Port, bool IsNodeAddress)
{
    public static RuleSubject Of(in ConnectionFacts facts) => new(facts.ProvenPeer, SourceAddress.Of(facts.PeerAddress), facts.Port, facts.IsNodeAddress);
}
