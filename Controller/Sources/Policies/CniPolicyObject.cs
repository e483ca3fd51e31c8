using System.Collections.Immutable;

namespace Ambient.Controller.Sources.Policies;

/// <summary>A policy of a kind that a network plugin brings.</summary>
/// <param name="Kind">With its group, since several plugins call theirs NetworkPolicy.</param>
/// <param name="Namespace">Empty for one of the whole cluster.</param>
/// <param name="Subjects">It selects what one of them selects.</param>
internal sealed record CniPolicyObject(string Kind, string Namespace, string Name, ImmutableArray<IPodCriterion> Subjects, SourcePlace Place)
    : PodPolicyObject(Kind, Namespace, Name, Place)
{
    internal override bool Selects(PodObject pod, NamespaceObject? ns) => Subjects.Any(subject => subject.IsMetBy(pod, ns));
}
