using System.Numerics;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// What a namespace is told of its pods that are not captured: all of them in one. It is told again when it is on twice as many nodes, so
/// that one that spreads over a cluster of 10,000 nodes is told 14 times and not 10,000.
/// </summary>
internal static class NamespaceTrouble
{
    /// <param name="pods">Troubles of pods of one namespace, by their nodes.</param>
    internal static Trouble Of(string ns, IReadOnlyCollection<(string Node, Trouble Pod)> pods)
    {
        var nodes = pods.Select(p => p.Node).Distinct().Count();
        var first = pods.MinBy(p => (p.Node, p.Pod.Subject.Name)).Pod;
        return new Trouble(EventSubject.Namespace(ns), "EnrolmentFailed", "Capture",
            $"{Count(pods.Count, "pod")} on {Count(nodes, "node")} {(pods.Count == 1 ? "is" : "are")} not captured: {first.Subject.Name}: {first.Note}", $"{BitOperations.Log2((uint)nodes)}");
    }

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";
}
