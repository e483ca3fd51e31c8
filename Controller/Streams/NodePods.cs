using Ambient.Controller.Model;

namespace Ambient.Controller.Streams;

/// <summary>Which pods are placed on which node, as of the newest model. Owned by whoever holds its lock.</summary>
internal sealed class NodePods
{
    private readonly Dictionary<string, Dictionary<string, MeshPod>> _byNode = [];
    private readonly Dictionary<string, string> _nodeOf = [];

    internal IEnumerable<string> Nodes => _byNode.Keys;

    internal IReadOnlyCollection<MeshPod> On(string node) => _byNode.GetValueOrDefault(node)?.Values ?? (IReadOnlyCollection<MeshPod>)[];

    /// <summary>The node of a pod; null if it has none, or is not there.</summary>
    internal string? NodeOf(string uid) => _nodeOf.GetValueOrDefault(uid);

    /// <summary>Takes over what became of some pods.</summary>
    /// <returns>The nodes that this concerns.</returns>
    internal IReadOnlyCollection<string> Update(MeshModel model)
    {
        var nodes = new HashSet<string>();
        foreach (var uid in model.Change.Pods)
        {
            var pod = model.Pods.GetValueOrDefault(uid);
            if (_nodeOf.Remove(uid, out var before))
            {
                nodes.Add(before);
                _byNode[before].Remove(uid);
                if (_byNode[before].Count == 0)
                    _byNode.Remove(before);
            }
            if (pod is null || pod.Node.Length == 0)
                continue;
            nodes.Add(pod.Node);
            _nodeOf[uid] = pod.Node;
            if (!_byNode.TryGetValue(pod.Node, out var pods))
                _byNode.Add(pod.Node, pods = []);
            pods[uid] = pod;
        }
        return nodes;
    }
}
