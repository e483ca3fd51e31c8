using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Ambient.Cli.Deploy;

/// <summary>Reads YAML as the JSON that it stands for, which is how Kubernetes takes it.</summary>
internal static class YamlTree
{
    /// <summary>Every document that is not empty.</summary>
    /// <exception cref="DeployException">The text is no YAML.</exception>
    public static IReadOnlyList<JsonNode> Read(string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException fault)
        {
            throw new DeployException($"line {fault.Start.Line}: {fault.Message}");
        }
        // Written and read once more: a number then has no type of its own, and is whatever it is asked for.
        return [.. stream.Documents.Select(document => ToJson(document.RootNode)).OfType<JsonNode>().Select(node => JsonNode.Parse(node.ToJsonString())!)];
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(entry => KeyValuePair.Create(((YamlScalarNode)entry.Key).Value!, ToJson(entry.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(ToJson)]),
        YamlScalarNode scalar => ToJson(scalar),
        _ => throw new DeployException($"line {node.Start.Line}: an alias"),
    };

    // YAML 1.2's core schema, without what nobody writes in a manifest (0x10, .inf); and octal as YAML 1.1 has it, for file modes.
    private static JsonNode? ToJson(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style != ScalarStyle.Plain) return JsonValue.Create(text);
        if (text is "" or "~" or "null") return null;
        if (text is "true" or "false") return JsonValue.Create(text == "true");
        if (text.Length > 1 && text[0] == '0' && text.All(char.IsAsciiDigit)) return JsonValue.Create(Convert.ToInt64(text, 8));
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : JsonValue.Create(text);
    }
}
