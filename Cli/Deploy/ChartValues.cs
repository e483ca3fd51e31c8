using System.Text.Json.Nodes;

namespace Ambient.Cli.Deploy;

/// <summary>The values that the templates are filled in with: the chart's defaults, and what a user says instead. Immutable.</summary>
internal sealed class ChartValues
{
    private readonly JsonObject _tree;

    private ChartValues(JsonObject tree) => _tree = tree;

    /// <summary>Reads a values file.</summary>
    public static ChartValues Parse(string yaml) => YamlTree.Read(yaml) is [JsonObject tree]
        ? new ChartValues(tree)
        : throw new DeployException("a file of values holds one object");

    /// <summary>Replaces one value.</summary>
    /// <param name="assignment">As in <c>--set controller.replicas=3</c>; what follows the sign is YAML of the default's form.</param>
    /// <exception cref="DeployException">There is no such value, or it has another form.</exception>
    public ChartValues With(string assignment)
    {
        if (assignment.Split('=', 2) is not [{ Length: > 0 } path, var text]) throw new DeployException($"--set takes NAME=VALUE, not {assignment}");
        // A misspelt name that was passed over would leave a default in force that somebody meant to change.
        if (Find(path) is not { } before) throw new DeployException($"there is no value {path}; there are: {string.Join(", ", Names())}");
        var after = before is JsonValue known && known.GetValueKind() == System.Text.Json.JsonValueKind.String
            ? JsonValue.Create(text)
            : YamlTree.Read(text) is [var read] ? read : throw new DeployException($"{path}: one value is expected");
        if (after.GetValueKind() is var kind && kind != before.GetValueKind() && !(IsFlag(kind) && IsFlag(before.GetValueKind())))
            throw new DeployException($"{path}: expected something like {before.ToJsonString()}, found {text}");
        var tree = (JsonObject)_tree.DeepClone();
        var parts = path.Split('.');
        var owner = parts[..^1].Aggregate<string, JsonNode>(tree, (node, part) => node[part]!);
        owner[parts[^1]] = after;
        return new ChartValues(tree);
    }

    /// <summary>A value by its path without the leading <c>.Values.</c>.</summary>
    /// <exception cref="DeployException">There is none.</exception>
    public JsonNode this[string path] => Find(path) ?? throw new DeployException($"there is no value {path}");

    /// <summary>Whether a template's <c>if</c> takes it for true: as in Go, neither false nor zero nor empty.</summary>
    public bool IsTrue(string path) => this[path] switch
    {
        JsonObject map => map.Count > 0,
        JsonArray list => list.Count > 0,
        JsonValue value when value.TryGetValue(out string? text) => text.Length > 0,
        JsonValue value when value.TryGetValue(out bool flag) => flag,
        JsonValue value when value.TryGetValue(out long number) => number != 0,
        _ => throw new DeployException($"{path} has no form that can be asked whether it is true"),
    };

    /// <summary>Paths of all values.</summary>
    public IEnumerable<string> Names() => Names(_tree, "");

    // What lies below resources or nodeSelector is a user's; a value's default is an object only there, written as flow, and at the sections.
    private static IEnumerable<string> Names(JsonObject tree, string prefix) => tree.SelectMany(entry =>
        entry.Value is JsonObject section && prefix.Length == 0 ? Names(section, entry.Key + ".") : [prefix + entry.Key]);

    private JsonNode? Find(string path) =>
        path.Split('.').Aggregate<string, JsonNode?>(_tree, (node, part) => node is JsonObject map && map.TryGetPropertyValue(part, out var found) ? found : null);

    private static bool IsFlag(System.Text.Json.JsonValueKind kind) => kind is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False;
}
