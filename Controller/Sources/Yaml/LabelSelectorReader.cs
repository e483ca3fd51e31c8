using System.Collections.Immutable;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>Reads <c>matchLabels</c> and <c>matchExpressions</c>.</summary>
internal static class LabelSelectorReader
{
    /// <exception cref="YamlFaultException">It has another form.</exception>
    internal static LabelSelector Read(Fields selector) => new(selector.Map("matchLabels"), [.. selector.Objects("matchExpressions").Select(ReadRequirement)]);

    /// <summary>Reads a selector whose every word must be understood: what it fails to select would go unguarded.</summary>
    /// <exception cref="YamlFaultException">It has another form, or says something more.</exception>
    internal static LabelSelector ReadStrictly(Fields selector)
    {
        selector.Only("matchLabels", "matchExpressions");
        selector.Object("matchLabels").OnlyWithValues();
        foreach (var expression in selector.Objects("matchExpressions"))
        {
            expression.Only("key", "operator", "values");
            var (takesValues, has) = (expression.Text("operator") is "In" or "NotIn", expression.Texts("values").Length);
            if (takesValues != has > 0)
                throw expression.Expected("values", takesValues ? "at least one value" : "no values with this operator");
        }
        return Read(selector);
    }

    private static LabelRequirement ReadRequirement(Fields expression) => new(
        expression.Text("key") is { Length: > 0 } key ? key : throw expression.Expected("key", "a label"),
        expression.Text("operator") switch
        {
            "In" => LabelOperator.In,
            "NotIn" => LabelOperator.NotIn,
            "Exists" => LabelOperator.Exists,
            "DoesNotExist" => LabelOperator.DoesNotExist,
            _ => throw expression.Expected("operator", "In, NotIn, Exists or DoesNotExist"),
        },
        expression.Texts("values"));
}
