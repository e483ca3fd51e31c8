namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>A kind that the API serves, in one version.</summary>
/// <param name="Group">Empty for the core group.</param>
/// <param name="HasStatus">Has a status subresource: then the main resource does not take a status, and the subresource takes nothing else.</param>
internal sealed record ResourceType(string Group, string Version, string Plural, string Kind, bool IsNamespaced, bool HasStatus = false)
{
    /// <summary>Objects are stored once for all versions of their kind.</summary>
    internal (string Group, string Plural) Key => (Group, Plural);

    internal string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    internal string QualifiedName => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>What every server has before anything is installed.</summary>
    internal static IReadOnlyList<ResourceType> BuiltIn { get; } =
    [
        new("", "v1", "namespaces", "Namespace", false, true),
        new("", "v1", "pods", "Pod", true, true),
        new("", "v1", "services", "Service", true, true),
        new("", "v1", "nodes", "Node", false, true),
        new("", "v1", "secrets", "Secret", true),
        new("", "v1", "configmaps", "ConfigMap", true),
        new("", "v1", "serviceaccounts", "ServiceAccount", true),
        new("", "v1", "events", "Event", true),
        new("", "v1", "endpoints", "Endpoints", true),
        new("", "v1", "resourcequotas", "ResourceQuota", true, true),
        new("events.k8s.io", "v1", "events", "Event", true),
        new("apps", "v1", "deployments", "Deployment", true, true),
        new("apps", "v1", "daemonsets", "DaemonSet", true, true),
        new("apps", "v1", "replicasets", "ReplicaSet", true, true),
        new("apps", "v1", "statefulsets", "StatefulSet", true, true),
        new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true),
        new("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true),
        new("coordination.k8s.io", "v1", "leases", "Lease", true),
        new("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true, true),
        new("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false),
        new("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false, true),
        new("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", false, true),
        new("admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", false),
        new("rbac.authorization.k8s.io", "v1", "roles", "Role", true),
        new("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true),
        new("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false),
        new("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false),
    ];
}
