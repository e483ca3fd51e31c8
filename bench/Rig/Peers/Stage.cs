namespace Ambient.Bench.Rig.Peers;

/// <summary>What a scenario runs on: which pods there are, and how peers are laid over them.</summary>
internal enum Stage
{
    /// <summary>Client and server on two nodes, two hops with TLS between.</summary>
    TwoNodes,

    /// <summary>Client and server on one node, one hop without TLS.</summary>
    OneNode,
}
