using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Inbound;

/// <summary>The tunnels into one pod on one loop, and what their streams may make us hold together.</summary>
internal sealed class PodTunnels(WindowBudget budget)
{
    public WindowBudget Budget { get; } = budget;

    public HashSet<InboundTunnel> Tunnels { get; } = [];
}
