using System.Collections.Immutable;
using Ambient.Controller.Enrolment;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Controller.Replicas;

/// <summary>
/// What the other replicas wrote of the nodes whose streams they hold, given on as if it had come by streams of our own. Any thread may call
/// it; what it hears of one node it gives on in order.
/// </summary>
/// <param name="replica">This process: what it wrote itself is no news.</param>
/// <param name="takeRecord">Takes what is known of a node; false if the node has a stream here (still), which counts for more.</param>
/// <param name="report">Takes a report; false if it is about a pod that is not known (yet), or the node has a stream here (still).</param>
internal sealed class RemoteNodes(string replica, Func<NodeRecord, bool> takeRecord, Func<string, PodReport, bool> report)
{
    /// <summary>
    /// How far ahead of the last known one the versions of orders begin when a node changes its replica, in milliseconds of the clock they
    /// are made of: the replica before may have signed one more than it could write down, by a clock that runs ahead of ours.
    /// </summary>
    internal const ulong OrderMargin = 60_000;

    private readonly Lock _lock = new();

    // Read without the lock: whoever is told holds a lock of its own when it asks.
    private volatile View _view = new(ImmutableDictionary<string, MeshNodeStatus>.Empty, 0);
    private readonly Dictionary<string, List<PodReport>> _refused = [];
    private readonly HashSet<string> _early = [];   // nodes that were written of elsewhere before their streams here had ended

    /// <summary>Whether another replica serves nodes, whose acks this one does not hear.</summary>
    internal bool AreOthersServing => _view.Connected > 0;

    /// <summary>The nodes of other replicas, as those wrote them.</summary>
    internal ImmutableDictionary<string, MeshNodeStatus> Nodes => _view.Nodes;

    /// <summary>Whether a node has a stream at another replica.</summary>
    internal bool IsConnected(string node) => _view.Nodes.TryGetValue(node, out var status) && status.Connected;

    /// <summary>Takes what is written of a node now.</summary>
    internal void Take(string name, MeshNodeStatus status)
    {
        lock (_lock)
        {
            if (status.Replica == replica)
            {
                ForgetLocked(name);
                return;
            }
            var before = _view.Nodes.GetValueOrDefault(name);
            SetLocked(name, status);
            TakeRecordLocked(name, status);
            var known = (before?.Pods ?? []).DistinctBy(p => p.Uid).ToDictionary(p => p.Uid);
            var unchanged = status.Pods.Where(p => known.TryGetValue(p.Uid, out var same) && same.Equals(p)).Select(p => p.Uid).ToHashSet();
            var refused = status.Pods.Where(p => !unchanged.Contains(p.Uid))
                .Select(PodReports.ToReport).OfType<PodReport>().Where(r => !report(name, r)).ToList();
            // Of those that wait already, what is still said of them.
            if (_refused.Remove(name, out var waiting))
                refused.AddRange(waiting.Where(w => unchanged.Contains(w.Uid)));
            if (refused.Count > 0)
                _refused[name] = refused;
        }
    }

    /// <summary>A node's object is gone.</summary>
    internal void Remove(string name)
    {
        lock (_lock)
            ForgetLocked(name);
    }

    /// <summary>
    /// A stream of a node ended here. A node that moves is written of by its new replica before the end of its old stream is noticed, and
    /// what was said meanwhile would otherwise wait for the next model.
    /// </summary>
    internal void StreamEnded(string name)
    {
        lock (_lock)
        {
            if (_early.Contains(name) && _view.Nodes.TryGetValue(name, out var status) && TakeRecordLocked(name, status))
                TellAgainLocked(name);
        }
    }

    /// <summary>There is another model: reports about pods that were not known may be about some that are.</summary>
    internal void ModelChanged()
    {
        lock (_lock)
        {
            foreach (var name in _refused.Keys.ToList())
                TellAgainLocked(name);
        }
    }

    /// <summary>What outlives a stream, of what was written about a node; null if it cannot be so.</summary>
    internal static NodeRecord? RecordOf(string name, MeshNodeStatus status) =>
        status is { BootId.Length: <= 256, Capabilities.Count: <= 32, OrderVersion: >= 0 and < long.MaxValue / 2 }
            ? new NodeRecord(name, status.BootId, [.. status.Capabilities.Order(StringComparer.Ordinal)], (ulong)status.OrderVersion + OrderMargin)
            : null;

    private bool TakeRecordLocked(string name, MeshNodeStatus status)
    {
        var isTaken = RecordOf(name, status) is not { } record || takeRecord(record);
        if (isTaken)
            _early.Remove(name);
        else
            _early.Add(name);
        return isTaken;
    }

    private void TellAgainLocked(string name)
    {
        if (!_refused.TryGetValue(name, out var reports))
            return;
        reports.RemoveAll(r => report(name, r));
        if (reports.Count == 0)
            _refused.Remove(name);
    }

    private void ForgetLocked(string name)
    {
        SetLocked(name, null);
        _refused.Remove(name);
        _early.Remove(name);
    }

    private void SetLocked(string name, MeshNodeStatus? status)
    {
        var (nodes, connected) = _view;
        connected -= nodes.TryGetValue(name, out var before) && before.Connected ? 1 : 0;
        _view = status is null ? new View(nodes.Remove(name), connected) : new View(nodes.SetItem(name, status), connected + (status.Connected ? 1 : 0));
    }

    private sealed record View(ImmutableDictionary<string, MeshNodeStatus> Nodes, int Connected);
}
