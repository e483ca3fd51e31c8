using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Loop;

namespace Ambient.Redirector.Capture;

/// <summary>Reads what the pod's rules count beside TCP, now and then, and tells the newest NodeProxy how much it has risen.</summary>
internal sealed partial class PodCapture
{
    private readonly NonTcpTally _nonTcp = new();

    /// <inheritdoc/>
    public bool OnCount()
    {
        if (_isBusy || _namespace is not { } pod || _rules is null || _foreign is not null || _ending is not null || _isFinished)
            return false;
        // The pod waits for it, so it must not wait itself: it takes about a millisecond.
        RunJob(WorkPriority.Mend, entry => CaptureJobs.CountNonTcp(entry, pod), outcome =>
        {
            if (outcome.Value is { } counts)
                _nonTcp.Take(counts);
            else
                _tools.Log.NonTcpNotCounted(Uid, outcome.Reason);
            if (_tools.Nodes.Newest is { } newest)
                foreach (var message in _nonTcp.TakeUntold(Uid))
                    newest.Send(new ToNode { NonTcp = message });
            CatchUp();
            Step();
        });
        return true;
    }
}
