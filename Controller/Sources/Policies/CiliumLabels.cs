namespace Ambient.Controller.Sources.Policies;

/// <summary>
/// Holds by what Cilium calls an endpoint's labels: those of the pod, and some that it makes of the namespace and the service account.
/// Keys may begin with where a label comes from. Source: the Cilium documentation, "Label sources", "Kubernetes constructs in policies".
/// </summary>
internal sealed record CiliumLabels(LabelSelector Selector) : IPodCriterion
{
    private const string NamespaceLabel = "io.kubernetes.pod.namespace";
    private const string AccountLabel = "io.cilium.k8s.policy.serviceaccount";
    private const string OfNamespace = "io.cilium.k8s.namespace.labels.";
    private const string Cluster = "io.cilium.k8s.policy.cluster";

    public bool IsMetBy(PodObject pod, NamespaceObject? ns)
    {
        foreach (var (key, value) in Selector.MatchLabels)
        {
            if (Find(key, pod, ns, out var found) && found != value)
                return false;
        }
        foreach (var requirement in Selector.MatchExpressions)
        {
            if (Find(requirement.Key, pod, ns, out var found) && !requirement.IsMetBy(found))
                return false;
        }
        return true;
    }

    /// <param name="value">Null if the endpoint has no such label.</param>
    /// <returns>False where it cannot be told.</returns>
    private static bool Find(string key, PodObject pod, NamespaceObject? ns, out string? value)
    {
        value = null;
        var (source, name) = key.IndexOf(':') is > 0 and var colon ? (key[..colon], key[(colon + 1)..]) : ("any", key);
        if (source is not ("k8s" or "any"))
            return false;
        switch (name)
        {
            case NamespaceLabel: value = pod.Namespace; return true;
            case AccountLabel: value = pod.ServiceAccount; return true;
            case Cluster: return false;
        }
        if (!name.StartsWith(OfNamespace, StringComparison.Ordinal))
        {
            value = pod.Labels.GetValueOrDefault(name);
            return true;
        }
        value = ns?.Labels.GetValueOrDefault(name[OfNamespace.Length..]);
        return ns is not null;
    }
}
