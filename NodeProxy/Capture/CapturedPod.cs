using Ambient.NodeProxy.Engine;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.NodeProxy.Capture;

/// <summary>A pod whose listeners are here. Owned by the control loop; the listeners act on the home loop.</summary>
internal sealed class CapturedPod(string uid, EventLoop home, PodListeners listeners, long sinceTicks)
{
    public string Uid { get; } = uid;

    /// <summary>The loop on which all its accepted connections live; fixed here and now.</summary>
    public EventLoop Home { get; } = home;

    public PodListeners Listeners { get; } = listeners;

    /// <summary>When the listeners came, on the control loop's clock.</summary>
    public long SinceTicks { get; } = sinceTicks;

    /// <summary>As Redirector last said.</summary>
    public PodPhase Phase { get; set; } = PodPhase.Preparing;

    /// <summary>Whether the home loop accepts.</summary>
    public bool IsAccepting { get; set; }

    /// <summary>What was last said to Redirector about readiness.</summary>
    public string? SaidReadiness { get; set; }

    /// <summary>When a quiet pod's connections are cut, on the control loop's clock.</summary>
    public long DrainDueTicks { get; set; }

    /// <summary>The pod on every loop, for counting its connections from outside.</summary>
    public List<PodOnLoop> OnLoops { get; } = [];
}
