namespace Ambient.Controller.Sources.Policies;

/// <summary>Holds by Calico's selector of a workload, with the labels that it adds. What it says of namespaces is a criterion of its own.</summary>
/// <param name="Text">As it was written.</param>
internal sealed record CalicoSelector(string Text) : IPodCriterion
{
    private readonly Func<Func<string, string?>, bool>? _selects = CalicoExpression.Parse(Text);

    public bool IsMetBy(PodObject pod, NamespaceObject? ns) => _selects is null || _selects(key => key switch
    {
        "projectcalico.org/namespace" => pod.Namespace,
        "projectcalico.org/serviceaccount" => pod.ServiceAccount,
        "projectcalico.org/orchestrator" => "k8s",
        _ => pod.Labels.GetValueOrDefault(key),
    });
}

/// <summary>Holds by Calico's selector of the pod's namespace.</summary>
/// <param name="Text">As it was written.</param>
internal sealed record CalicoNamespaceSelector(string Text) : IPodCriterion
{
    private readonly Func<Func<string, string?>, bool>? _selects = CalicoExpression.Parse(Text);

    public bool IsMetBy(PodObject pod, NamespaceObject? ns) => _selects is null || ns is null || _selects(key => key switch
    {
        "projectcalico.org/name" or "kubernetes.io/metadata.name" => pod.Namespace,
        _ => ns.Labels.GetValueOrDefault(key),
    });
}
