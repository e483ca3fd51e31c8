using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>Makes the pods of the model. Looks at nothing but the pod and its <see cref="PodSurroundings"/>.</summary>
/// <param name="excluded">Namespaces that are never enrolled; every node's Redirector has the same.</param>
internal sealed class PodBuilder(IReadOnlySet<string> excluded)
{
    // A static pod, which kubelet reads from a file, has another UID in the API than at the node. Source: Kubernetes documentation, "Create
    // static Pods"; kubelet's annotation of the mirror pod.
    private const string StaticPodHash = "kubernetes.io/config.hash";

    /// <param name="addresses">Those of its addresses that it has for itself.</param>
    /// <param name="warnings">Takes what there is to say about it.</param>
    internal PlacedPod Place(PodObject pod, ImmutableArray<IPAddress> addresses, PodSurroundings around, SortedSet<string> warnings)
    {
        var built = BuildPod(pod, addresses, around, warnings);
        return new PlacedPod(pod, addresses, around, Sendable.Check(built.ToResource(EnrolmentState.None, []), warnings) ? built : null);
    }

    private MeshPod BuildPod(PodObject pod, ImmutableArray<IPAddress> addresses, PodSurroundings around, SortedSet<string> warnings)
    {
        var ns = around.Namespace;
        if (ns is null)
            warnings.Add($"{pod} is in namespace {pod.Namespace}, which the source does not hold: it counts as one without labels");
        var modes = ProtectionModes.Of(pod, ns, around.Settings.Mode, warnings.Add);
        bool asks = AsksForEnrolment(pod, ns, warnings);
        var (own, isNamespaceEnrolled) = (pod.Labels.GetValueOrDefault(ModelBuilder.EnrolLabel), ns?.Labels.GetValueOrDefault(ModelBuilder.EnrolLabel) == "true");
        string obstacle = asks ? ObstacleOf(pod, addresses) : "";
        if (asks && excluded.Contains(pod.Namespace))
            warnings.Add($"{pod} is not enrolled: namespace {pod.Namespace} never is");
        return new MeshPod(pod.Uid, pod.Namespace, pod.Name, pod.ServiceAccount, pod.Node, addresses, pod.HostNetwork,
            asks && obstacle.Length == 0, modes.Mode,
            around.Policies.FirstOrDefault(p => p.Selects(pod, ns)) is { } policy
                ? $"{policy.Kind} {(policy.Namespace.Length > 0 ? $"{policy.Namespace}/" : "")}{policy.Name} selects this pod"
                : "",
            pod.WorkloadName,
            around.IsStandalone ? pod.Annotations.GetValueOrDefault(ModelBuilder.NetnsAnnotation, "") : "",
            CaptureExclusions.Read(pod.Annotations, ns?.Annotations, fault => warnings.Add($"{pod}: {fault}")))
        {
            LeftOutReason = obstacle,
            Probes = pod.Probes,
            IsTerminating = pod.IsTerminating,
            RuntimeUid = pod.Annotations.GetValueOrDefault(StaticPodHash, ""),
            // With or without an address: its sandbox may be starting, or may be made anew, and only this lets go of it then.
            IsLeftAlone = !pod.HostNetwork && own == "false" && isNamespaceEnrolled,
            // The same: what starts has no address yet.
            IsOptedIn = !pod.HostNetwork && own == "true" && !isNamespaceEnrolled && !excluded.Contains(pod.Namespace),
            Policies = around.Access.KeysOf(pod.Labels),
            PortModes = modes.Ports,
        };
    }

    // Constants: there may be 100,000 such pods.
    private string ObstacleOf(PodObject pod, ImmutableArray<IPAddress> addresses) =>
        excluded.Contains(pod.Namespace) ? "excluded namespace"
        : pod.HostNetwork ? "host network"
        : pod.Node.Length == 0 ? "no node yet"
        : !addresses.IsEmpty ? ""
        : pod.Addresses.IsEmpty ? "no address yet" : "its address is claimed by another object too";

    private static bool AsksForEnrolment(PodObject pod, NamespaceObject? ns, SortedSet<string> warnings)
    {
        return Wish(pod, pod.Labels) ?? (ns is not null && (Wish(ns, ns.Labels) ?? false));

        bool? Wish(SourceObject owner, FrozenDictionary<string, string> labels)
        {
            switch (labels.GetValueOrDefault(ModelBuilder.EnrolLabel))
            {
                case null: return null;
                case "true": return true;
                case "false": return false;
                case var other:
                    warnings.Add($"{owner}: expected label {ModelBuilder.EnrolLabel} to be true or false, found {other}: it counts as absent");
                    return null;
            }
        }
    }
}
