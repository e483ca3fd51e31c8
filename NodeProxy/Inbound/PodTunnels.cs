using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Inbound;

/// <summary>The tunnels into one pod on one loop, and what their streams may make us hold together.</summary>
internal sealed class PodTunnels(WindowBudget budget)
{
    /// <summary>Who may open how many.</summary>
    public TunnelShares Shares { get; } = new();

    public WindowBudget Budget { get; } = budget;

    public HashSet<InboundTunnel> Tunnels { get; } = [];
}
