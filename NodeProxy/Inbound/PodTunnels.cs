using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Inbound;

/// <summary>The tunnels into one pod on one loop, and what their streams may make us hold together.</summary>
internal sealed class PodTunnels(WindowBudget budget)
{
    /// <summary>Who may open how many.</summary>
    public TunnelShares Shares { get; } = new();

    public WindowBudget Budget { get; } = budget;

    public HashSet<InboundTunnel> Tunnels { get; } = [];

    /// <summary>Why links take no streams from their start on; null while they do.</summary>
    public string? Leaving { get; private set; }

    /// <summary>Links take no new streams from now on, nor do those whose handshake is still under way.</summary>
    public void Leave(string reason)
    {
        Leaving = reason;
        foreach (var tunnel in Tunnels.ToArray()) tunnel.Drain(reason);
    }
}
