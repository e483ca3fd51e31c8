using Ambient.Controller.Kubernetes.Decoding;
using Ambient.Controller.Kubernetes.Following;

namespace Ambient.Controller.Kubernetes;

/// <summary>The kinds that are followed, and which fields of each are read.</summary>
internal static class KindCatalog
{
    private const string Names = "metadata { name namespace }";
    private const string Parents = "spec { parentRefs { group kind namespace name sectionName port } } status { parents { controllerName } }";
    private const string Handler = "{ httpGet { path port host scheme } tcpSocket { port host } grpc { port service } }";
    private const string Container = $"name ports {{ name containerPort protocol }} livenessProbe {Handler} readinessProbe {Handler} startupProbe {Handler} lifecycle {{ postStart {Handler} preStop {Handler} }}";

    /// <summary>What every server has, and without which there is no mesh to tell of.</summary>
    internal static IReadOnlyList<FollowedKind> Core { get; } =
    [
        Of("", "v1", "namespaces", "Namespace", "metadata { name labels annotations(ambient.mesh/) }"),
        Of("", "v1", "pods", "Pod", $$"""
            metadata { name namespace uid labels annotations(ambient.mesh/) deletionTimestamp ownerReferences { kind name controller } }
            spec { nodeName serviceAccountName hostNetwork containers { {{Container}} } initContainers { {{Container}} restartPolicy } }
            status { phase podIP podIPs { ip } conditions { type status } }
            """),
        Of("", "v1", "services", "Service", """
            metadata { name namespace }
            spec { type clusterIP clusterIPs selector sessionAffinity sessionAffinityConfig internalTrafficPolicy trafficDistribution publishNotReadyAddresses
              ports { name port targetPort protocol appProtocol } }
            """),
        Of("", "v1", "nodes", "Node", "metadata { name labels(topology.kubernetes.io/zone) } status { addresses }"),
        Of("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", $"{Names} spec {{ podSelector }}") with { IsNetworkPolicy = true },
        EndpointSlices("v1"),
    ];

    /// <summary>Definitions of kinds that are not built in.</summary>
    internal static FollowedKind Definitions { get; } = Of("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition",
        "metadata { name deletionTimestamp } spec { group names { plural kind } versions { name served } } status { conditions { type status } }");

    /// <summary>Kinds that are followed where they are installed.</summary>
    internal static IReadOnlyList<FollowedKind> Installable { get; } =
    [
        // Every field: one that is not known must be met, since passing it over could weaken what was meant.
        Of("ambient.mesh", "v1alpha1", "accesspolicies", "AccessPolicy", "metadata { name namespace } !status *"),
        Of("ambient.mesh", "v1alpha1", "meshconfigs", "MeshConfig", "metadata { name } !status *") with { IsSettings = true },
        Policy("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy", "spec { endpointSelector nodeSelector } specs { endpointSelector nodeSelector }"),
        Policy("cilium.io", "v2", "ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy", "spec { endpointSelector nodeSelector } specs { endpointSelector nodeSelector }"),
        Policy("crd.projectcalico.org", "v1", "networkpolicies", "NetworkPolicy", "spec { selector }"),
        Policy("crd.projectcalico.org", "v1", "globalnetworkpolicies", "GlobalNetworkPolicy", "spec { selector namespaceSelector }"),
        Policy("projectcalico.org", "v3", "networkpolicies", "NetworkPolicy", "spec { selector }"),
        Policy("projectcalico.org", "v3", "globalnetworkpolicies", "GlobalNetworkPolicy", "spec { selector namespaceSelector }"),
        Policy("policy.networking.k8s.io", ["v1alpha1"], "adminnetworkpolicies", "AdminNetworkPolicy", "spec { subject }"),
        Policy("policy.networking.k8s.io", ["v1alpha1"], "baselineadminnetworkpolicies", "BaselineAdminNetworkPolicy", "spec { subject }"),
        Policy("policy.networking.k8s.io", ["v1", "v1beta1", "v1alpha2"], "clusternetworkpolicies", "ClusterNetworkPolicy", "spec { subject }"),
        Route(["v1", "v1beta1"], "httproutes", "HTTPRoute"),
        Route(["v1", "v1alpha2"], "grpcroutes", "GRPCRoute"),
        Route(["v1", "v1alpha2"], "tcproutes", "TCPRoute"),
        Route(["v1", "v1alpha3", "v1alpha2"], "tlsroutes", "TLSRoute"),
    ];

    /// <summary>Kinds of policies that do nothing: what somebody only thinks of.</summary>
    internal static IReadOnlySet<string> WithoutEffect { get; } = new HashSet<string>
    {
        "stagednetworkpolicies.crd.projectcalico.org", "stagedglobalnetworkpolicies.crd.projectcalico.org", "stagedkubernetesnetworkpolicies.crd.projectcalico.org",
        "stagednetworkpolicies.projectcalico.org", "stagedglobalnetworkpolicies.projectcalico.org", "stagedkubernetesnetworkpolicies.projectcalico.org",
    };

    /// <summary>The group of routes; its other kinds are known to be there and not read.</summary>
    internal const string RoutesGroup = "gateway.networking.k8s.io";

    /// <summary>Endpoint slices as a server before 1.21 has them.</summary>
    /// <param name="version">v1, or v1beta1, which tells node and zone in another place.</param>
    internal static FollowedKind EndpointSlices(string version) => Of("discovery.k8s.io", version, "endpointslices", "EndpointSlice", """
        metadata { name namespace labels(kubernetes.io/service-name) } addressType ports { name port protocol }
        endpoints { addresses conditions { ready serving terminating } targetRef { kind name } nodeName zone topology }
        """);

    private static FollowedKind Policy(string group, string version, string plural, string kind, string fields) => Policy(group, [version], plural, kind, fields);

    private static FollowedKind Policy(string group, string[] versions, string plural, string kind, string fields) =>
        new(group, versions, plural, kind, JsonShape.Parse($"{Names} {fields}")) { IsNetworkPolicy = true };

    private static FollowedKind Route(string[] versions, string plural, string kind) =>
        new(RoutesGroup, versions, plural, kind, JsonShape.Parse($"{Names} {Parents}")) { IsRoute = true };

    private static FollowedKind Of(string group, string version, string plural, string kind, string shape) => new(group, [version], plural, kind, JsonShape.Parse(shape));
}
