namespace Ambient.Controller.Sources.Policies;

/// <summary>
/// A policy of the pods' network, known as far as which pods it selects: traffic of those is never kept off that network. What a policy
/// allows is the network's own matter.
/// </summary>
/// <remarks>Where a selector is not understood, more pods may be told than are meant, and never fewer.</remarks>
internal abstract record PodPolicyObject(string Kind, string Namespace, string Name, SourcePlace Place) : SourceObject(Kind, Namespace, Name, Place)
{
    /// <summary>Whether it selects a pod of its namespace, or, if it has none, of any.</summary>
    /// <param name="ns">The pod's namespace; null if it is not known.</param>
    internal abstract bool Selects(PodObject pod, NamespaceObject? ns);
}
