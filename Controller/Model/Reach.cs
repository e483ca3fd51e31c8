using System.Collections.Immutable;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>
/// Which namespaces the pods of a namespace may call, as <c>MeshConfig.spec.reach</c> says. Rules add up; a namespace that no rule is
/// from reaches everything, and every namespace reaches itself. Immutable.
/// </summary>
internal sealed record Reach(ImmutableArray<ReachRule> Rules)
{
    /// <summary>In place of a namespace's name: as <c>from</c> every namespace that no other rule is from, as <c>to</c> every namespace.</summary>
    internal const string Any = "*";

    /// <summary>Everybody reaches everything.</summary>
    internal static Reach Everything { get; } = new([]);

    internal bool IsLimited => !Rules.IsEmpty;

    /// <summary>The namespaces that the pods of a namespace reach; null for all.</summary>
    internal IReadOnlyCollection<string>? Of(string ns)
    {
        var own = Rules.Where(rule => rule.From.Contains(ns)).ToList();
        if (own.Count == 0)
            own = [.. Rules.Where(rule => rule.From.Contains(Any))];
        return own.Count == 0 || own.Any(rule => rule.To.Contains(Any)) ? null : [.. own.SelectMany(rule => rule.To).Append(ns).Distinct()];
    }
}
