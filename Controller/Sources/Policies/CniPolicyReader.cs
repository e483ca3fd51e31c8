using System.Collections.Immutable;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Controller.Sources.Policies;

/// <summary>
/// Reads which pods a policy of a network plugin selects. What it selects them by may be something that is not understood: then it
/// selects every pod that it could.
/// </summary>
internal static class CniPolicyReader
{
    /// <param name="kind">With its group.</param>
    /// <exception cref="YamlFaultException">It has no name that could be used.</exception>
    internal static CniPolicyObject Read(string kind, Fields fields, SourcePlace place)
    {
        var metadata = fields.Object("metadata");
        ImmutableArray<IPodCriterion> subjects;
        try
        {
            subjects = SubjectsOf(kind, fields);
        }
        catch (YamlFaultException)
        {
            subjects = [EveryPod.Instance];
        }
        return new CniPolicyObject(kind, metadata.Name("namespace", ""), metadata.Name("name", absent: null), subjects, place);
    }

    private static ImmutableArray<IPodCriterion> SubjectsOf(string kind, Fields fields) => kind switch
    {
        "cilium.io/CiliumNetworkPolicy" or "cilium.io/CiliumClusterwideNetworkPolicy" =>
            [.. fields.Objects("specs").Prepend(fields.Object("spec")).Where(rule => !rule.IsEmpty).Select(CiliumSubject).OfType<IPodCriterion>()],
        "crd.projectcalico.org/NetworkPolicy" or "projectcalico.org/NetworkPolicy" => [new CalicoSelector(Selector(fields, "selector"))],
        "crd.projectcalico.org/GlobalNetworkPolicy" or "projectcalico.org/GlobalNetworkPolicy" =>
            [new AllOf([new CalicoSelector(Selector(fields, "selector")), new CalicoNamespaceSelector(Selector(fields, "namespaceSelector"))])],
        "policy.networking.k8s.io/AdminNetworkPolicy" or "policy.networking.k8s.io/BaselineAdminNetworkPolicy" or "policy.networking.k8s.io/ClusterNetworkPolicy" =>
            [AdminSubject(fields.Object("spec").Object("subject"))],
        _ => [EveryPod.Instance],
    };

    // A rule for nodes selects no pod.
    private static CiliumLabels? CiliumSubject(Fields rule) => rule.Has("nodeSelector") && !rule.Has("endpointSelector")
        ? null
        : new CiliumLabels(LabelSelectorReader.ReadStrictly(rule.Object("endpointSelector")));

    private static string Selector(Fields fields, string name) => fields.Object("spec").Text(name);

    private static IPodCriterion AdminSubject(Fields subject)
    {
        if (subject.Has("namespaces"))
            return new PodOfLabelledNamespace(LabelSelectorReader.ReadStrictly(subject.Object("namespaces")));
        var pods = subject.Object("pods");
        return pods.IsEmpty
            ? EveryPod.Instance
            : new AllOf([new PodOfLabelledNamespace(LabelSelectorReader.ReadStrictly(pods.Object("namespaceSelector"))),
                new LabelledPod(LabelSelectorReader.ReadStrictly(pods.Object("podSelector")))]);
    }
}
