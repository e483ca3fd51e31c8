using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Ambient.Tests.Kubernetes.Cluster.Fake;

/// <summary>The label and field selectors of a request, in the words of the API.</summary>
internal sealed partial class Selectors
{
    private readonly List<Func<IReadOnlyDictionary<string, string>, bool>> _labels = [];
    private readonly List<(string[] Path, string Value, bool IsEqual)> _fields = [];

    /// <exception cref="ApiFailure">400: they have another form.</exception>
    internal Selectors(string? labels, string? fields)
    {
        foreach (var term in Commas().Split(labels ?? "").Select(t => t.Trim()).Where(t => t.Length > 0))
            _labels.Add(LabelTerm(term));
        foreach (var term in (fields ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var match = Comparison().Match(term);
            if (!match.Success)
                throw ApiFailure.BadRequest($"invalid field selector {term}");
            _fields.Add((match.Groups[1].Value.Split('.'), match.Groups[3].Value, match.Groups[2].Value != "!="));
        }
    }

    internal bool Select(StoredObject item) => _labels.All(term => term(item.Labels)) && (_fields.Count == 0 || SelectFields(item.Copy()));

    private bool SelectFields(JsonObject content) => _fields.All(field =>
    {
        var found = field.Path.Aggregate((JsonNode?)content, (node, step) => (node as JsonObject)?[step]);
        return (found?.ToString() ?? "") == field.Value == field.IsEqual;
    });

    private static Func<IReadOnlyDictionary<string, string>, bool> LabelTerm(string term)
    {
        if (SetTerm().Match(term) is { Success: true } set)
        {
            var (key, values, isIn) = (set.Groups[1].Value, set.Groups[3].Value.Split(',').Select(v => v.Trim()).ToHashSet(), set.Groups[2].Value == "in");
            return labels => labels.TryGetValue(key, out var value) && values.Contains(value) ? isIn : !isIn;
        }
        if (Comparison().Match(term) is { Success: true } comparison)
        {
            var (key, value, isEqual) = (comparison.Groups[1].Value, comparison.Groups[3].Value, comparison.Groups[2].Value != "!=");
            return labels => (labels.TryGetValue(key, out var found) && found == value) == isEqual;
        }
        return term[0] == '!' ? labels => !labels.ContainsKey(term[1..].Trim()) : labels => labels.ContainsKey(term);
    }

    [GeneratedRegex(@",(?![^()]*\))")]
    private static partial Regex Commas();

    [GeneratedRegex(@"^\s*([^=!\s]+)\s*(==|!=|=)\s*(\S*)\s*$")]
    private static partial Regex Comparison();

    [GeneratedRegex(@"^(\S+)\s+(in|notin)\s*\((.*)\)$")]
    private static partial Regex SetTerm();
}
