namespace Ambient.Bench.Rig.Peers;

/// <summary>What a scenario runs on: which pods there are, and how peers are laid over them.</summary>
internal enum Stage
{
    /// <summary>Client and server on two nodes, two hops with TLS between.</summary>
    TwoNodes,

    /// <summary>Client and server on one node, one hop without TLS.</summary>
    OneNode,

    /// <summary>Hundreds of pairs of pods on two nodes, each four pairs with identities of their own at both ends.</summary>
    Pairs,

    /// <summary>Ten pairs of pods on two nodes, so that addresses and ports suffice for very many connections.</summary>
    Dense,

    /// <summary>A node full of pods that do nothing, beside one pair.</summary>
    Rest,
}
