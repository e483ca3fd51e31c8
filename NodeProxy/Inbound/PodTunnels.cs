using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Inbound;

/// <summary>The tunnels into one pod on one loop, and what their streams may make us hold together.</summary>
internal sealed class PodTunnels(WindowBudget budget)
{
    /// <summary>
    /// Handshakes that a pod's peers may have under way on one loop. Each costs about a millisecond of the loop and 40 KB, so that
    /// this is where a flood of half-open tunnels ends: one pod's share, its neighbours unharmed.
    /// </summary>
    public const int MaxHandshakes = 512;

    /// <summary>Handshakes under way.</summary>
    public int Handshakes { get; set; }

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
