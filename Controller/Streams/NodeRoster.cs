using Ambient.Controller.Enrolment;

namespace Ambient.Controller.Streams;

/// <summary>Which nodes are connected, and what is remembered of all that ever were. Owned by whoever holds its lock.</summary>
internal sealed class NodeRoster(IEnumerable<NodeRecord> remembered)
{
    private readonly Dictionary<string, NodeSession> _sessions = [];
    private readonly Dictionary<string, NodeRecord> _records = remembered.ToDictionary(n => n.Name);

    internal IReadOnlyCollection<NodeSession> Sessions => _sessions.Values;

    internal IReadOnlyCollection<NodeRecord> Records => _records.Values;

    internal NodeSession? SessionOf(string node) => _sessions.GetValueOrDefault(node);

    internal bool IsConnected(string node) => _sessions.ContainsKey(node);

    internal NodeRecord RecordOf(string node) => _records.GetValueOrDefault(node) ?? NodeRecord.New(node);

    internal bool HaveAllAcked(ulong version) => _sessions.Values.All(s => s.AckedVersion >= version);

    internal void Remember(NodeRecord record) => _records[record.Name] = record;

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

    /// <summary>Lets a session go.</summary>
    /// <returns>False if another one of its node has taken its place.</returns>
    internal bool Leave(NodeSession session) =>
        ReferenceEquals(SessionOf(session.Node), session) && _sessions.Remove(session.Node);
}
