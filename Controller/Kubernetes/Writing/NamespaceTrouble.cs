using System.Numerics;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// What a namespace is told of its pods that are not captured: one for those that never were, and one for those that no longer are. It is
/// told again when it is on twice as many nodes, so that one that spreads over a cluster of 10,000 nodes is told 14 times and not 10,000;
/// and when another reason is the most frequent.
/// </summary>
internal static class NamespaceTrouble
{
    /// <param name="pods">Troubles of pods of one namespace, all by the same word, by their nodes.</param>
    internal static Trouble Of(string ns, IReadOnlyCollection<(string Node, Trouble Pod)> pods)
    {
        var nodes = pods.Select(p => p.Node).Distinct().Count();
        var reason = pods.GroupBy(p => p.Pod.Key).OrderByDescending(group => group.Count()).ThenBy(group => group.Key, StringComparer.Ordinal).First();
        var first = reason.MinBy(p => (p.Node, p.Pod.Subject.Name)).Pod;
        var what = first.Word == Trouble.CaptureLost ? "no longer captured" : "not captured";
        return new Trouble(EventSubject.Namespace(ns), first.Word, "Capture",
            $"{Count(pods.Count, "pod")} on {Count(nodes, "node")} {(pods.Count == 1 ? "is" : "are")} {what}: {first.Subject.Name}: {first.Note}", reason.Key) { Level = BitOperations.Log2((uint)nodes) };
    }

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
