using System.Collections.Immutable;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>The pods of one namespace, found by what a selector asks for. Its index is made when it is first needed.</summary>
/// <param name="pods">In the source's order.</param>
internal sealed class NamespacePods(ImmutableArray<PlacedPod> pods)
{
    private Dictionary<(string Key, string Value), List<PlacedPod>>? _byLabel;

    internal static NamespacePods None { get; } = new([]);

    internal bool AreThoseOf(List<PlacedPod> others) =>
        pods.AsSpan().SequenceEqual(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(others), ReferenceEqualityComparer.Instance);

    /// <summary>The pods that a selector selects, in the source's order.</summary>
    internal IEnumerable<PlacedPod> Selected(LabelSelector selector)
    {
        _byLabel ??= Index();
        // The rarest of the wanted labels leaves fewest to look at: services times pods would be too many.
        IEnumerable<PlacedPod> rarest = pods;
        var fewest = pods.Length;
        foreach (var (key, value) in selector.MatchLabels)
        {
            if (!_byLabel.TryGetValue((key, value), out var found))
                return [];
            if (found.Count <= fewest)
                (rarest, fewest) = (found, found.Count);
        }
        return rarest.Where(p => selector.Selects(p.Pod.Labels));
    }

    private Dictionary<(string Key, string Value), List<PlacedPod>> Index()
    {
        var index = new Dictionary<(string Key, string Value), List<PlacedPod>>();
        foreach (var pod in pods)
        {
            foreach (var (key, value) in pod.Pod.Labels)
            {
                if (!index.TryGetValue((key, value), out var list))
                    index.Add((key, value), list = []);
                list.Add(pod);
            }
        }
        return index;
    }
}
