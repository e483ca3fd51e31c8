using System.Collections.Immutable;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>
/// Reads <c>spec.reach</c> of a MeshConfig (docs/policy.md). What cannot be understood makes the whole file count as broken, so that what it
/// said before stays in force.
/// </summary>
internal static class ReachReader
{
    internal static ImmutableArray<ReachRule> Read(Fields spec) => [.. spec.Objects("reach").Select(rule =>
    {
        rule.Only("from", "to");
        return new ReachRule(Names(rule, "from"), Names(rule, "to"));
    })];

    private static ImmutableArray<string> Names(Fields rule, string field)
    {
        var names = rule.Texts(field);
        if (names.IsEmpty)
            throw rule.Expected(field, "at least one namespace, or \"*\",");
        for (var i = 0; i < names.Length; i++)
        {
            if (names[i] != Model.Reach.Any && !IsNamespace(names[i]))
                throw rule.ExpectedItem(field, i, "the name of a namespace, or \"*\" alone,");
        }
        return names;
    }

    // RFC 1123 label, as the API server has it for namespaces.
    private static bool IsNamespace(string text) =>
        text.Length is > 0 and <= 63 && text[0] != '-' && text[^1] != '-' && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');
}
