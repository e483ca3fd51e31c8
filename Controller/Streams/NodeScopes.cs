using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;

namespace Ambient.Controller.Streams;

/// <summary>
/// What each node is to be told of: what the pods on it reach that are in the mesh, on their way in, or on their way out. And, where that is
/// not everything, what it was told of when it was heard of last. Owned by whoever holds its lock.
/// </summary>
internal sealed class NodeScopes(NodePods pods, EnrolmentLedger ledger)
{
    // A node's process that comes back holds what it acked, or what was on its way; beside it others of the same node may drain.
    private const int RememberedPerNode = 8;

    private readonly ScopeBook _scopes = new();
    private readonly Dictionary<string, Queue<HeldView>> _held = [];
    private Reach _reach = Reach.Everything;

    /// <summary>Takes over what the settings say.</summary>
    /// <returns>Whether it is something else than before.</returns>
    internal bool Set(Reach reach)
    {
        var isOther = reach != _reach;
        _reach = reach;
        return isOther;
    }

    internal ViewScope Of(string node)
    {
        if (!_reach.IsLimited)
            return ViewScope.Everything;
        var reached = new HashSet<string>();
        foreach (var ns in pods.On(node).Where(pod => pod.WantsEnrolment || ledger.Pods.ContainsKey(pod.Uid)).Select(pod => pod.Namespace).Distinct())
        {
            if (_reach.Of(ns) is not { } namespaces)
                return ViewScope.Everything;
            reached.UnionWith(namespaces);
        }
        return _scopes.Of(reached);
    }

    /// <summary>A session of a node ends: its successor may say that it holds one of these.</summary>
    internal void Remember(string node, IEnumerable<HeldView> views)
    {
        foreach (var view in views.Where(view => view.Version > 0))
        {
            // Where no scope was ever limited there is nothing to remember.
            if (!_held.TryGetValue(node, out var known))
            {
                if (ReferenceEquals(view.Scope, ViewScope.Everything))
                    continue;
                _held.Add(node, known = new Queue<HeldView>());
            }
            if (known.Contains(view))
                continue;
            known.Enqueue(view);
            if (known.Count > RememberedPerNode)
                known.Dequeue();
        }
    }

    /// <summary>What a node holds that says that it holds a version; nothing if it cannot be known what that version was to it.</summary>
    internal HeldView HeldBy(string node, ulong version)
    {
        if (version == 0)
            return HeldView.None;
        return _held.TryGetValue(node, out var known)
            ? known.LastOrDefault(view => view.Version == version) ?? HeldView.None
            : new HeldView(version, ViewScope.Everything);
    }
}
