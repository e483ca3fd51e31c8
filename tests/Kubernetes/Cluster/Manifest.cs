using System.Globalization;
using System.Text.Json.Nodes;
using Ambient.Cli.Lab;
using Ambient.Controller.Sources.Yaml;

namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>YAML as people write it, as JSON.</summary>
internal static class Manifest
{
    /// <summary>The objects of a text of many documents; the items of a List one by one.</summary>
    internal static IReadOnlyList<JsonObject> Read(string yaml) =>
        [.. YamlDocuments.Read(yaml).Select(document => ToJson(document)!.AsObject())
            .SelectMany(o => (string?)o["kind"] == "List" ? o["items"]!.AsArray().Select(item => item!.DeepClone().AsObject()) : [o])];

    /// <summary>The definition of one of our kinds as it is installed, with its schema and rules.</summary>
    /// <param name="plural">Of the kind, as in a file's name below <c>deploy/crds</c>.</param>
    internal static string Definition(string plural) => File.ReadAllText(Path.Combine(Programs.Checkout!, "deploy/crds", $"{plural}.yaml"));

    internal static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMapping mapping => new JsonObject(mapping.Entries.Select(entry => KeyValuePair.Create(entry.Key, ToJson(entry.Value)))),
        YamlSequence sequence => new JsonArray([.. sequence.Items.Select(ToJson)]),
        YamlScalar { IsNull: true } => null,
        YamlScalar { IsPlain: true, Value: "true" } => true,
        YamlScalar { IsPlain: true, Value: "false" } => false,
        YamlScalar { IsPlain: true, Value: var text } when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) => whole,
        YamlScalar { IsPlain: true, Value: var text } when text.Length > 0 && (char.IsAsciiDigit(text[0]) || text[0] == '-')
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) => number,
        YamlScalar scalar => scalar.Value,
        _ => throw new InvalidOperationException(node.GetType().Name),
    };
}
