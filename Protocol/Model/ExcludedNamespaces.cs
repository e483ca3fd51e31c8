using System.Collections.Frozen;

namespace Ambient.Protocol.Model;

/// <summary>
/// Kubernetes namespaces whose pods are never captured, and never asked about when they start. Controller, Redirector and the CNI plugin are
/// each given the same list, and none can be given one without the namespaces that the mesh needs to come up.
/// </summary>
public static class ExcludedNamespaces
{
    /// <summary>
    /// With these captured a node could deadlock: while Redirector is away no pod of a captured namespace starts, and so neither would
    /// Redirector's own, nor the network's.
    /// </summary>
    public static IReadOnlySet<string> Always { get; } = FrozenSet.Create(StringComparer.Ordinal, "ambient-system", "kube-system");

    /// <summary>Those, and the ones given.</summary>
    public static IReadOnlySet<string> With(IEnumerable<string> more) => Always.Concat(more).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Those, and the ones of a list with commas, as options give it.</summary>
    public static IReadOnlySet<string> Parse(string list) => With(list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
