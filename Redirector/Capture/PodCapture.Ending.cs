using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Nodes;

namespace Ambient.Redirector.Capture;

/// <summary>The pod's release after a withdrawal, and its end.</summary>
internal sealed partial class PodCapture
{
    private const int MaxFailedSearches = 3;

    private static readonly TimeSpan _maxDrain = TimeSpan.FromHours(1), _searchAgain = TimeSpan.FromMilliseconds(500);

    // At the deadline a NodeProxy cuts what is left and says so. Its resets leave through the rules' translation, and peers never hear
    // of an end when the rules go first. One that says nothing has this much longer; nothing is waited for where there is none.
    private static readonly TimeSpan _cutGrace = TimeSpan.FromSeconds(5);

    private readonly HashSet<NodeConnection> _drainedBy = [];
    private TimeSpan? _drain;
    private LoopTimer? _drainTimer;
    private int _failedSearches;

    /// <summary>A NodeProxy says that its last connection of the pod ended.</summary>
    /// <returns>False when the pod is not quiet, where that means nothing.</returns>
    public bool Drained(NodeConnection node)
    {
        if (_isWanted || _rules is not { Ruleset.IsQuiet: true })
            return false;
        _drainedBy.Add(node);
        Step();
        return true;
    }

    /// <inheritdoc/>
    public void OnEnded(string reason)
    {
        _ending ??= reason;
        Step();
    }

    /// <summary>Lets go of everything and leaves the namespace as it is: this process ends, capture goes on.</summary>
    public void Abandon()
    {
        _isFinished = true;
        _onAttached = null; // whoever asked finds the connection closed, and asks the successor
        _given?.Dispose();
        Close();
    }

    // Every NodeProxy that is there must have drained; one that is gone has no connections left. Nobody there: the deadline counts.
    private bool IsDrained()
    {
        var nodes = _tools.Nodes.Greeted.ToList();
        if (nodes.Count > 0 && nodes.TrueForAll(_drainedBy.Contains))
            return true;
        var since = DateTimeOffset.FromUnixTimeSeconds(_record!.QuietSinceUnixSeconds);
        var drain = _drain is { } given && given < _maxDrain ? given : _maxDrain;
        var left = since + drain + (nodes.Count > 0 ? _cutGrace : TimeSpan.Zero) - _tools.Loop.Time.GetUtcNow();
        if (left <= TimeSpan.Zero)
            return true;
        if (_drainTimer is not { IsCancelled: false })
            _drainTimer = _tools.Loop.After(left, Step);
        return false;
    }

    private void End()
    {
        string reason = _ending!;
        _ending = null;
        if (_record is not null)
            _tools.Ledger.Remove(Uid);
        (_record, _rules, _isRedirecting, _isReady) = (null, null, false, false);
        Close();
        _tools.Counters.Add(CounterNames.PodsGone);
        if (!_isWanted)
        {
            Finish(PodPhase.Gone, reason);
            return;
        }
        Tell(PodPhase.Gone, reason);
        AnswerEarly();
        if (_given is not null)
            Step();
        else
            RetryAfter(_searchAgain);
    }

    private void Finish(PodPhase phase, string reason)
    {
        if (_isFinished)
            return;
        _isFinished = true;
        AnswerAttached(reason.Length > 0 ? reason : "the pod is let go of");
        _given?.Dispose();
        if (_record is not null)
            _tools.Ledger.Remove(Uid);
        Close();
        Tell(phase, reason);
        AnswerEarly();
        _onFinished(this);
    }

    private void Close()
    {
        _retry?.Cancel();
        _drainTimer?.Cancel();
        _watch?.Dispose();
        _namespace?.Dispose();
        _listeners?.Dispose();
        (_watch, _namespace, _listeners, _present) = (null, null, null, []);
        _unmended.Forget();
        _asked.Clear();
        _drainedBy.Clear();
        _tools.Nodes.Forget(Uid);
    }
}
