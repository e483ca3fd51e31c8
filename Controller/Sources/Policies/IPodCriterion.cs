using System.Collections.Immutable;

namespace Ambient.Controller.Sources.Policies;

/// <summary>Something that holds of some pods.</summary>
internal interface IPodCriterion
{
    /// <param name="ns">The pod's namespace; null if it is not known, and then whatever is asked of it holds.</param>
    bool IsMetBy(PodObject pod, NamespaceObject? ns);
}

/// <summary>Holds of every pod: what is not understood, too.</summary>
internal sealed record EveryPod : IPodCriterion
{
    internal static EveryPod Instance { get; } = new();

    public bool IsMetBy(PodObject pod, NamespaceObject? ns) => true;
}

/// <summary>Holds where all of several do.</summary>
internal sealed record AllOf(ImmutableArray<IPodCriterion> Parts) : IPodCriterion
{
    public bool IsMetBy(PodObject pod, NamespaceObject? ns) => Parts.All(part => part.IsMetBy(pod, ns));
}

/// <summary>Holds by the pod's labels.</summary>
internal sealed record LabelledPod(LabelSelector Selector) : IPodCriterion
{
    public bool IsMetBy(PodObject pod, NamespaceObject? ns) => Selector.Selects(pod.Labels);
}

/// <summary>Holds by the labels of the pod's namespace.</summary>
internal sealed record PodOfLabelledNamespace(LabelSelector Selector) : IPodCriterion
{
    public bool IsMetBy(PodObject pod, NamespaceObject? ns) => ns is null || Selector.Selects(ns.Labels);
}
