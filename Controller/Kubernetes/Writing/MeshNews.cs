using Ambient.Controller.Replicas;
using Ambient.Controller.Streams;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>What of the controller's state the cluster is told.</summary>
internal static class MeshNews
{
    /// <summary>Pods that should be captured and are not, by their nodes' word; before them what concerns whole namespaces.</summary>
    internal static IReadOnlyCollection<Trouble> TroublesOf(Overview overview, IEnumerable<ForeignTrustMap> foreign)
    {
        var pods = overview.Pods.Values.Where(pod => pod.Phase is PodPhase.Failed or PodPhase.Unproved)
            .Select(pod => (Pod: pod, Told: overview.Model?.Pods.GetValueOrDefault(pod.Uid)))
            .Where(pair => pair.Told is { WantsEnrolment: true, IsTerminating: false })
            .Select(pair => (pair.Pod.Node, Trouble: Trouble.OfPod(EventSubject.Pod(pair.Told!.Namespace, pair.Told.Name, pair.Pod.Uid), pair.Pod.Node, pair.Pod.State == EnrolmentState.Enrolled, pair.Pod.Reason)))
            .ToList();
        return [.. foreign.Select(Trouble.OfTrust), .. pods.GroupBy(pod => (pod.Trouble.Subject.Place, pod.Trouble.Word)).Select(group => NamespaceTrouble.Of(group.Key.Place, [.. group])), .. pods.Select(pod => pod.Trouble)];
    }

    /// <summary>
    /// Nodes whose canary reached a service address through the proxy, and the boot id of the kernel that it did so on: those of this
    /// replica's streams, and those of others', whose word may be from before the node was started again.
    /// </summary>
    /// <param name="elsewhere">What other replicas wrote; null if there are none.</param>
    internal static IReadOnlyDictionary<string, string> HealthyNodesOf(Overview overview, IReadOnlyDictionary<string, MeshNodeStatus>? elsewhere)
    {
        var here = overview.Sessions.ToDictionary(session => session.Node);
        return here.Values.Where(session => session.Health is { } health && HealthState.Of(health) == HealthState.Ready).Select(session => (session.Node, session.BootId))
            .Concat((elsewhere ?? new Dictionary<string, MeshNodeStatus>())
                .Where(node => !here.ContainsKey(node.Key) && node.Value is { Connected: true, Health.State: HealthState.Ready }).Select(node => (node.Key, node.Value.BootId)))
            .Where(node => node.BootId.Length > 0).ToDictionary();
    }

    /// <summary>Whether any node's canary says that something hides service addresses from its proxy. Which node, its MeshNode says.</summary>
    /// <inheritdoc cref="HealthyNodesOf"/>
    internal static bool IsHiddenAnywhere(Overview overview, IReadOnlyDictionary<string, MeshNodeStatus>? elsewhere) =>
        overview.Sessions.Any(session => session.Health is { Ok: false, Reason: RouteWriter.ServiceAddressHidden })
        || (elsewhere?.Values.Any(node => node is { Connected: true, Health.Reason: RouteWriter.ServiceAddressHidden }) ?? false);
}
