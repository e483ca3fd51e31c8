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

    /// <summary>The pod was told to end.</summary>
    public bool IsTerminating { get; private set; }

    /// <summary>
    /// The pod was told to end: peers are told to leave its links while its address is still there to say so. Who comes all the same is
    /// served as long as the pod lives, on links that close when they are unused.
    /// </summary>
    public void Terminate()
    {
        if (IsTerminating) return;
        IsTerminating = true;
        Drain("the pod is terminating");
    }

    /// <summary>What the pod answers with.</summary>
    public LinkCredentials? Current { get; private set; }

    /// <summary>
    /// What the pod answers with from now on. A renewed certificate leaves links as they are, since it changes nothing that a peer was told.
    /// Links that began under another identity of the pod, or under a root that is no longer trusted, take no new streams.
    /// </summary>
    public void Renew(LinkCredentials current)
    {
        if (ReferenceEquals(Current, current)) return;
        var before = Current;
        Current = current;
        if (before is null) return;
        if (before.Svid.Id != current.Svid.Id) Drain($"the pod is {current.Svid.Id} now");
        else if (!before.Svid.TrustBundle.All(root => current.Svid.TrustBundle.Any(now => now.AsSpan().SequenceEqual(root)))) Drain("a root of the mesh was retired");
    }

    /// <summary>Links take no new streams from now on, nor do those whose handshake is still under way.</summary>
    public void Leave(string reason)
    {
        Leaving = reason;
        Drain(reason);
    }

    private void Drain(string reason)
    {
        foreach (var tunnel in Tunnels.ToArray()) tunnel.Drain(reason);
    }
}
