using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Redirector.Capture;

/// <summary>What NodeProxies, and through them the controller, are told of the pod.</summary>
internal sealed partial class PodCapture
{
    private bool _wasTold;

    /// <summary>What NodeProxies were told last.</summary>
    public PodStatus Status { get; private set; }

    // What was loaded and proved once may be broken since.
    private void TellInForce() =>
        Tell(_unmended.Reason is null ? PodPhase.Captured : PodPhase.Unproved, _unmended.Reason ?? "", _record?.ConnectionsFromBefore ?? 0);

    // A pod that is being let go, or that nobody serves yet, is told of otherwise; of one that an earlier Redirector captured nothing may
    // have been told yet.
    private void TellUnmended()
    {
        if (Status.Phase is PodPhase.Captured or PodPhase.Unproved || (_isWanted && _isRedirecting && _rules is null))
            TellInForce();
    }

    private void Tell(PodPhase phase, string reason, int connectionsFromBefore = 0)
    {
        var status = new PodStatus { Uid = Uid, Phase = phase, Reason = reason, ConnectionsFromBefore = (uint)connectionsFromBefore };
        if (phase is PodPhase.Captured or PodPhase.Unproved)
            status.ExcludedInboundPorts.AddRange(_exclusionsInForce.InboundPorts.Select(port => (uint)port));
        if (status.Equals(Status) && _wasTold)
            return;
        bool isNews = phase != Status.Phase || reason != Status.Reason || !_wasTold;
        (Status, _wasTold) = (status, true);
        if (isNews)
            _tools.Log.PodPhaseChanged(Uid, _pod.Namespace, _pod.Name, phase, reason);
        _tools.Nodes.Tell(() => new ToNode { Status = status });
    }
}
