using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Ambient.Controller.Sources;

/// <summary>Which labels an object must have. An empty selector selects everything.</summary>
internal sealed record LabelSelector(FrozenDictionary<string, string> MatchLabels, ImmutableArray<LabelRequirement> MatchExpressions)
{
    internal static LabelSelector Everything { get; } = new(FrozenDictionary<string, string>.Empty, []);

    /// <summary>The same for the same content, and another for another, whatever is in the labels.</summary>
    internal string Content => string.Concat(
        MatchLabels.OrderBy(label => label.Key, StringComparer.Ordinal).SelectMany(label => (string[])[label.Key, "=", label.Value])
            .Concat(MatchExpressions.SelectMany(e => (string[])[e.Key, e.Operator.ToString(), .. e.Values]))
            .Select(part => $"{part.Length}:{part}"));

    /// <summary>In the words of kubectl, the same for the same content: <c>app=web,tier in (a, b)</c>.</summary>
    public override string ToString() =>
        string.Join(',', MatchLabels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}").Concat(MatchExpressions.Select(e => e.ToString())));

    internal bool Selects(FrozenDictionary<string, string> labels)
    {
        foreach (var (key, value) in MatchLabels)
        {
            if (!labels.TryGetValue(key, out var found) || found != value)
                return false;
        }
        foreach (var requirement in MatchExpressions)
        {
            if (!requirement.IsMetBy(labels))
                return false;
        }
        return true;
    }
}

internal enum LabelOperator { In, NotIn, Exists, DoesNotExist }

/// <summary>One line of a selector. As in Kubernetes, NotIn holds for an object without the label as well.</summary>
internal sealed record LabelRequirement(string Key, LabelOperator Operator, ImmutableArray<string> Values)
{
    public override string ToString() => Operator switch
    {
        LabelOperator.In => $"{Key} in ({string.Join(", ", Values)})",
        LabelOperator.NotIn => $"{Key} notin ({string.Join(", ", Values)})",
        LabelOperator.Exists => Key,
        LabelOperator.DoesNotExist => $"!{Key}",
    };

    internal bool IsMetBy(FrozenDictionary<string, string> labels) => IsMetBy(labels.GetValueOrDefault(Key));

    /// <param name="value">Of the label; null if there is none.</param>
    internal bool IsMetBy(string? value) => Operator switch
    {
        LabelOperator.In => value is not null && Values.Contains(value),
        LabelOperator.NotIn => value is null || !Values.Contains(value),
        LabelOperator.Exists => value is not null,
        LabelOperator.DoesNotExist => value is null,
    };
}
