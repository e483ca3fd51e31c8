using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>
/// Keeps what was compiled, so that a connection costs a lookup. Compiled again is what has changed: whether it has is asked once a
/// version and pod, by the identity of immutable objects. Owned by one loop.
/// </summary>
public sealed class PolicyBook
{
    // A node has some hundred pods. What is beyond that belongs to pods that are gone.
    private const int MostPods = 2_048;

    private readonly Dictionary<string, PodEntry> _pods = [];
    private readonly Dictionary<string, PolicySet> _sets = [];

    /// <summary>Pods that are known.</summary>
    internal int Count => _pods.Count;

    /// <summary>The policies of a workload in one version.</summary>
    /// <param name="workload">In that version.</param>
    /// <param name="version">The same object for the same version.</param>
    public PolicySet Of(Workload workload, IPolicyLookup version)
    {
        if (workload.Policies.IsEmpty) return PolicySet.None;
        if (_pods.TryGetValue(workload.Uid, out var known) && ReferenceEquals(known.Version, version) && ReferenceEquals(known.Workload, workload))
            return known.Set;

        if (_pods.Count >= MostPods || _sets.Count >= MostPods)
        {
            _pods.Clear();
            _sets.Clear();
        }

        string name = string.Join('\n', workload.Policies);
        if (!_sets.TryGetValue(name, out var set) || !set.IsOf(version)) _sets[name] = set = PolicySet.Compile(workload.Policies, version);
        _pods[workload.Uid] = new PodEntry(version, workload, set);
        return set;
    }

    private readonly record struct PodEntry(IPolicyLookup Version, Workload Workload, PolicySet Set);
}
