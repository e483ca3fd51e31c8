using System.Collections.Immutable;
using Ambient.Protocol.Model;

namespace Ambient.Controller.Sources;

/// <summary>An AccessPolicy as it was written.</summary>
/// <param name="Pods">Which pods it selects: every pod if the selector is absent, and if it cannot be read.</param>
/// <param name="Rules">In order; several may come of one that was written, and have its number.</param>
/// <param name="Faults">What of it cannot be read. If there is any, the pods that it selects take nothing.</param>
internal sealed record AccessPolicyObject(string Namespace, string Name, LabelSelector Pods, PolicyAction Action, ImmutableArray<AccessRule> Rules,
    ImmutableArray<SourceFault> Faults, SourcePlace Place) : SourceObject("AccessPolicy", Namespace, Name, Place)
{
    /// <summary>Why it cannot be enforced, for a person; null if it can.</summary>
    internal string? Unenforceable => Faults.Length switch
    {
        0 => null,
        1 => Faults[0].ToString(),
        var count => $"{Faults[0]} (and {count - 1} more)",
    };
}
