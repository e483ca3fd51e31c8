namespace Ambient.Protocol.Model;

/// <summary>What a node may say in its Hello that it can, for other nodes to know. They read it in <see cref="Workload.Capabilities"/> of its pods.</summary>
public static class NodeCapabilities
{
    /// <summary>It takes tunnels on the app's own port, from peers that offer <c>ambient-hbone/1</c> there.</summary>
    public const string TunnelOnOriginalPort = "tunnel-on-original-port";
}
