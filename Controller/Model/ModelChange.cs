using System.Collections.Immutable;

namespace Ambient.Controller.Model;

/// <summary>What makes a model another than its predecessor; that of a first one is all that there is.</summary>
/// <param name="Pods">UIDs of pods that came, went, or are told differently.</param>
/// <param name="Resources">All else, each key once.</param>
internal sealed record ModelChange(ImmutableArray<string> Pods, ImmutableArray<ToldChange> Resources)
{
    /// <summary>What makes one model into another that was not made of it. Looks at all of both.</summary>
    /// <param name="before">Null for an empty one.</param>
    internal static ModelChange Between(MeshModel? before, MeshModel after)
    {
        var left = (before?.Told ?? []).ToDictionary(told => told.Key);
        var resources = ImmutableArray.CreateBuilder<ToldChange>();
        foreach (var told in after.Told)
        {
            if (!left.Remove(told.Key, out var known) || !known.SaysWhat(told))
                resources.Add(ToldChange.To(told));
        }
        resources.AddRange(left.Values.Select(ToldChange.Gone));
        var pods = before?.Pods ?? ImmutableDictionary<string, MeshPod>.Empty;
        return new ModelChange(
            [.. after.Pods.Where(pod => !ReferenceEquals(pods.GetValueOrDefault(pod.Key), pod.Value)).Select(pod => pod.Key), .. pods.Keys.Where(uid => !after.Pods.ContainsKey(uid))],
            resources.DrainToImmutable());
    }
}
