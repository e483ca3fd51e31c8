using System.Diagnostics.CodeAnalysis;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// What the node has to tell the controller. Of each thing only the newest report waits, so that a slow or absent controller costs no
/// memory; a new stream is told the state of the node and of every pod again, since nobody knows what the old one still delivered. Any thread may post.
/// </summary>
public sealed class ReportOutbox
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, PodReport> _pods = [];                     // the state of each pod
    private NodeHealth? _health;                                                   // of the node
    private readonly Dictionary<string, NodeReport> _waiting = [];                 // by what it is about
    private readonly Queue<string> _order = new();                                 // of the first posting, so that no pod starves another
    private TaskCompletionSource _posted = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Posts how far a pod is.</summary>
    public void Pod(PodReport report)
    {
        TaskCompletionSource posted;
        lock (_lock)
        {
            _pods[report.Uid] = report;
            posted = PostLocked("pod/" + report.Uid, new NodeReport { Pod = report });
        }
        posted.TrySetResult();
    }

    /// <summary>Posts the node's counters.</summary>
    public void Counters(NodeCounters counters) => Post("counters", new NodeReport { Counters = counters });

    /// <summary>Posts how the node's redirection is.</summary>
    public void Health(NodeHealth health)
    {
        TaskCompletionSource posted;
        lock (_lock)
        {
            _health = health;
            posted = PostLocked("health", new NodeReport { Health = health });
        }
        posted.TrySetResult();
    }

    /// <summary>Posts that an identity has no certificate, and why.</summary>
    public void Certificate(CertificateProblem problem) => Post("certificate/" + problem.SpiffeId, new NodeReport { Certificate = problem });

    /// <summary>Drops what is kept of pods that have ended (released or gone) and that the view no longer places here.</summary>
    public void ForgetEnded(Func<string, bool> isPlacedHere)
    {
        lock (_lock)
        {
            foreach ((string uid, PodReport report) in _pods)
            {
                if (report.Phase is PodPhase.Gone or PodPhase.Released && !isPlacedHere(uid))
                    _pods.Remove(uid);   // allowed while enumerating a Dictionary
            }
        }
    }

    /// <summary>How many pods it holds a state of.</summary>
    internal int PodCount
    {
        get
        {
            lock (_lock)
                return _pods.Count;
        }
    }

    /// <summary>Takes the next report to send.</summary>
    internal bool TryTake([NotNullWhen(true)] out NodeReport? report)
    {
        lock (_lock)
        {
            while (_order.TryDequeue(out string? about))
            {
                if (_waiting.Remove(about, out report))
                    return true;
            }
            report = null;
            return false;
        }
    }

    /// <summary>Puts the state of the node and of every pod in line again, for a new stream.</summary>
    internal void RepeatStates()
    {
        TaskCompletionSource? posted = null;
        lock (_lock)
        {
            if (_health is not null)
                posted = PostLocked("health", new NodeReport { Health = _health });
            foreach ((string uid, PodReport report) in _pods)
                posted = PostLocked("pod/" + uid, new NodeReport { Pod = report });
        }
        posted?.TrySetResult();
    }

    /// <summary>Completes when a report is there to be taken, at once if one already is.</summary>
    internal Task WaitAsync()
    {
        lock (_lock)
        {
            if (_waiting.Count > 0)
                return Task.CompletedTask;
            if (_posted.Task.IsCompleted)
                _posted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _posted.Task;
        }
    }

    private void Post(string about, NodeReport report)
    {
        TaskCompletionSource posted;
        lock (_lock)
            posted = PostLocked(about, report);
        posted.TrySetResult();
    }

    private TaskCompletionSource PostLocked(string about, NodeReport report)
    {
        if (!_waiting.ContainsKey(about))
            _order.Enqueue(about);
        _waiting[about] = report;
        return _posted;
    }
}
