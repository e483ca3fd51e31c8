using Ambient.Controller.Enrolment;

namespace Ambient.Controller.Streams;

/// <summary>Which nodes are connected, and what is remembered of all that ever were. Owned by whoever holds its lock.</summary>
internal sealed class NodeRoster(IEnumerable<NodeRecord> remembered)
{
    // Replaced every few minutes with connections that last for hours, a node has some dozens.
    internal const int MaxLeavingPerNode = 64;

    private readonly Dictionary<string, NodeSession> _sessions = [];
    private readonly HashSet<NodeSession> _leaving = [];
    private readonly Dictionary<string, NodeRecord> _records = remembered.ToDictionary(n => n.Name);

    /// <summary>Whether a node has a stream at another replica; those are asked with our own.</summary>
    internal Func<string, bool> IsConnectedElsewhere { get; init; } = static _ => false;

    /// <summary>Whether other replicas serve nodes, whose acks are not heard here.</summary>
    internal Func<bool> AreOthersServing { get; init; } = static () => false;

    /// <summary>Told of each node whose record changes.</summary>
    internal Action<string> Remembered { get; init; } = static _ => { };

    internal IReadOnlyCollection<NodeSession> Sessions => _sessions.Values;

    /// <summary>Of processes that drain beside their successors: they hear of new views, and nobody waits for them.</summary>
    internal IReadOnlyCollection<NodeSession> Leaving => _leaving;

    internal IReadOnlyCollection<NodeRecord> Records => _records.Values;

    internal NodeSession? SessionOf(string node) => _sessions.GetValueOrDefault(node);

    internal bool IsConnected(string node) => IsHere(node) || IsConnectedElsewhere(node);

    /// <summary>Whether a node has a stream here.</summary>
    internal bool IsHere(string node) => _sessions.ContainsKey(node);

    internal NodeRecord RecordOf(string node) => _records.GetValueOrDefault(node) ?? NodeRecord.New(node);

    internal bool HaveAllAcked(ulong version) => !AreOthersServing() && _sessions.Values.All(s => s.AckedVersion >= version);

    internal void Remember(NodeRecord record)
    {
        _records[record.Name] = record;
        Remembered(record.Name);
    }

    /// <summary>Takes a session in.</summary>
    /// <returns>What was known of the node before, and the session that it replaces, if there was one.</returns>
    internal (NodeRecord Before, NodeSession? Replaced) Enter(NodeSession session)
    {
        var before = RecordOf(session.Node);
        var replaced = SessionOf(session.Node);
        _sessions[session.Node] = session;
        _records[session.Node] = before with
        {
            BootId = session.BootId.Length > 0 ? session.BootId : before.BootId,
            Capabilities = session.Capabilities,
        };
        return (before, replaced);
    }

    /// <summary>Takes in a session of a process that drains.</summary>
    /// <returns>False if its node has as many already as a node may have.</returns>
    internal bool Follow(NodeSession session) =>
        _leaving.Count(s => s.Node == session.Node) < MaxLeavingPerNode && _leaving.Add(session);

    /// <summary>Lets a session go.</summary>
    /// <returns>False if it was not its node's: another one has taken its place, or it was of a process that drains.</returns>
    internal bool Leave(NodeSession session) =>
        !_leaving.Remove(session) && ReferenceEquals(SessionOf(session.Node), session) && _sessions.Remove(session.Node);
}
