using Ambient.Protocol.Redirector.V1;

namespace Ambient.Redirector.Nodes;

/// <summary>All connected NodeProxies: one, or two during an upgrade. Owned by the loop.</summary>
internal sealed class NodeSet(Counters counters)
{
    private readonly List<NodeConnection> _connections = [];

    /// <summary>Those that said Hello, newest first.</summary>
    public IEnumerable<NodeConnection> Greeted => _connections.Where(c => c.IsGreeted).OrderByDescending(c => c.Seniority);

    /// <summary>The one to tell what concerns a single one.</summary>
    public NodeConnection? Newest => Greeted.FirstOrDefault();

    public int Count => _connections.Count;

    public void Add(NodeConnection connection)
    {
        _connections.Add(connection);
        counters.Set(CounterNames.NodesConnected, _connections.Count);
    }

    public void Remove(NodeConnection connection)
    {
        _connections.Remove(connection);
        counters.Set(CounterNames.NodesConnected, _connections.Count);
    }

    /// <summary>Tells every NodeProxy. A connection that breaks on the way ends itself, so the set is copied first.</summary>
    public void Tell(Func<ToNode> message)
    {
        foreach (var connection in Greeted.ToList())
            connection.Send(message());
    }

    /// <summary>Gives a pod's listeners to everyone who does not hold them.</summary>
    public void Share(string uid, PodListeners listeners, int[] descriptors)
    {
        foreach (var connection in Greeted.ToList())
            if (!connection.Held.Contains(uid))
                Share(connection, uid, listeners, descriptors);
    }

    /// <summary>Gives a pod's listeners to one.</summary>
    public static void Share(NodeConnection connection, string uid, PodListeners listeners, int[] descriptors)
    {
        connection.Held.Add(uid);
        connection.Send(new ToNode { Listeners = listeners }, uid, descriptors);
    }

    /// <summary>A pod is gone: nothing of it may wait in a queue.</summary>
    public void Forget(string uid)
    {
        foreach (var connection in _connections)
            connection.Forget(uid);
    }
}
