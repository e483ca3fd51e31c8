using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>
/// The pods of one namespace, found by what a selector asks for. Its index is made when it is first needed, which it is not where slices
/// tell the endpoints. Owned by one thread.
/// </summary>
internal sealed class NamespacePods
{
    private readonly Dictionary<string, PlacedPod> _pods = [];
    private Dictionary<(string Key, string Value), Dictionary<string, PlacedPod>>? _byLabel;

    internal IEnumerable<string> Uids => _pods.Keys;

    internal bool IsEmpty => _pods.Count == 0;

    /// <summary>Replaces what is known of a pod.</summary>
    /// <param name="now">Null if it is gone.</param>
    internal void Set(string uid, PlacedPod? now)
    {
        if (_pods.Remove(uid, out var before))
        {
            foreach (var label in _byLabel is null ? [] : (IEnumerable<KeyValuePair<string, string>>)before.Pod.Labels)
                _byLabel![(label.Key, label.Value)].Remove(uid);
        }
        if (now is null)
            return;
        _pods.Add(uid, now);
        if (_byLabel is not null)
            Index(_byLabel, uid, now);
    }

    /// <summary>The pods that a selector selects, in the source's order.</summary>
    internal IEnumerable<PlacedPod> Selected(LabelSelector selector)
    {
        if (_byLabel is null)
        {
            _byLabel = [];
            foreach (var (uid, pod) in _pods)
                Index(_byLabel, uid, pod);
        }
        // The rarest of the wanted labels leaves fewest to look at: services times pods would be too many.
        var rarest = _pods;
        foreach (var (key, value) in selector.MatchLabels)
        {
            if (!_byLabel.TryGetValue((key, value), out var found))
                return [];
            rarest = found.Count <= rarest.Count ? found : rarest;
        }
        return rarest.Values.Where(p => selector.Selects(p.Pod.Labels)).OrderBy(p => p.Pod, SourceOrder.Instance);
    }

    private static void Index(Dictionary<(string Key, string Value), Dictionary<string, PlacedPod>> index, string uid, PlacedPod pod)
    {
        foreach (var (key, value) in pod.Pod.Labels)
        {
            if (!index.TryGetValue((key, value), out var pods))
                index.Add((key, value), pods = []);
            pods[uid] = pod;
        }
    }
}
