using System.Collections.Concurrent;
using Ambient.Controller.Streams;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Controller.Replicas;

/// <summary>
/// Writes down in MeshNodes what the nodes say whose streams this replica holds, before anybody acts upon it. Any thread may call it.
/// </summary>
internal sealed class NodeJournal
{
    /// <summary>Least time between two writes about one node.</summary>
    internal static readonly TimeSpan CoalesceTime = TimeSpan.FromMilliseconds(200);

    /// <summary>How long a report waits for being written before it is acted upon all the same: an API that is away must not stop the mesh.</summary>
    internal static readonly TimeSpan WriteAhead = TimeSpan.FromSeconds(1);

    /// <summary>An ack that is out for so long is worth a write: other replicas show it. It is looked for as often.</summary>
    internal static readonly TimeSpan LongLag = TimeSpan.FromSeconds(5);

    /// <summary>Writes under way at once: after another replica's end all of its nodes come within a moment.</summary>
    internal const int WritesAtOnce = 16;

    private readonly ConcurrentDictionary<string, HeldNode> _held = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly IMeshNodeStore _store;
    private readonly JournalContext _context;
    private readonly ITimer _lags;

    internal NodeJournal(IMeshNodeStore store, JournalContext context)
    {
        _store = store;
        _context = context;
        _lags = context.Time.CreateTimer(_ => LookForLags(), null, LongLag, LongLag);
    }

    /// <summary>A node's stream begins here.</summary>
    internal void Began(NodeSession session)
    {
        var node = new HeldNode(session, _store, _context);
        var before = Task.CompletedTask;
        var held = _held.AddOrUpdate(session.Node, node, (_, other) =>
        {
            // Of two streams that begin at once the later one has ended this one already, and must not lose its journal to it.
            if (session.Ended.IsCancellationRequested)
                return other;
            other.Stop();
            before = other.Completion;
            return node;
        });
        if (ReferenceEquals(held, node))
            node.Start(before, _stop.Token);
    }

    /// <summary>A node's stream ended, and is no longer the announcer's.</summary>
    internal void Ended(NodeSession session)
    {
        _context.Left(session.Node);
        if (!_stop.IsCancellationRequested && _held.TryGetValue(session.Node, out var node) && ReferenceEquals(node.Session, session))
        {
            node.End();
            node.Completion.ContinueWith(_ => _held.TryRemove(new KeyValuePair<string, HeldNode>(session.Node, node)), TaskScheduler.Default);
        }
    }

    /// <summary>A node said how far a pod is.</summary>
    internal void Report(NodeSession session, PodReport report)
    {
        if (_held.TryGetValue(session.Node, out var node) && ReferenceEquals(node.Session, session))
            node.Report(report);
    }

    /// <summary>Something changed that a node's record holds.</summary>
    internal void Touch(string name)
    {
        if (_held.TryGetValue(name, out var node))
            node.Touch();
    }

    internal void ModelChanged()
    {
        foreach (var node in _held.Values)
            node.ModelChanged();
    }

    /// <summary>Another replica wrote a status.</summary>
    internal void SeenElsewhere(string name, MeshNodeStatus status)
    {
        if (_held.TryGetValue(name, out var node))
            node.SeenElsewhere(status);
    }

    /// <summary>The process ends. Nodes that lose their streams by that are about to have others, and say so there.</summary>
    internal async Task StopAsync()
    {
        await _lags.DisposeAsync();
        await _stop.CancelAsync();
        await Task.WhenAll(_held.Values.Select(n => n.Completion));
    }

    private void LookForLags()
    {
        foreach (var node in _held.Values)
            node.LookForLag();
    }
}
