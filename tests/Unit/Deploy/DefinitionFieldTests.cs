using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>The definitions and the controller's readers know the same fields: the API server drops what only one of them knows.</summary>
public sealed partial class DefinitionFieldTests
{
    [Fact]
    public void Every_field_of_an_AccessPolicy_that_the_reader_knows_is_in_its_definition_and_none_besides()
    {
        var reader = Checkout.Read("Controller/Sources/Yaml/AccessPolicyReader.cs") + Checkout.Read("Controller/Sources/Yaml/LabelSelectorReader.cs");
        Assert.Equal(Known(reader), Properties(Spec("accesspolicies.ambient.mesh")).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_field_of_a_MeshConfig_that_the_reader_knows_is_in_its_definition_and_none_besides()
    {
        var reader = Checkout.Read("Controller/Sources/Yaml/MeshConfigReader.cs") + Checkout.Read("Controller/Sources/Yaml/ReachReader.cs");
        Assert.Equal(Known(reader), Properties(Spec("meshconfigs.ambient.mesh")).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void No_rule_is_over_a_list_or_text_without_a_bound()
    {
        // The API server estimates what a rule may cost by the bounds, and refuses the definition otherwise.
        foreach (var name in (string[])["accesspolicies.ambient.mesh", "meshconfigs.ambient.mesh"]) AssertBounded(Spec(name), "spec");
    }

    private static void AssertBounded(JsonNode schema, string path)
    {
        switch ((string?)schema["type"])
        {
            case "array":
                Assert.True(schema["maxItems"] is not null, $"{path} has no maxItems");
                AssertBounded(schema["items"]!, path + "[]");
                break;
            case "string":
                Assert.True(schema["maxLength"] is not null || schema["enum"] is not null, $"{path} has no maxLength");
                break;
            case "object":
                foreach (var (name, inner) in schema["properties"]?.AsObject() ?? []) AssertBounded(inner!, $"{path}.{name}");
                Assert.True(schema["additionalProperties"] is null || schema["maxProperties"] is not null, $"{path} has no maxProperties");
                break;
        }
    }

    private static IEnumerable<string> Known(string reader) => Only().Matches(reader).SelectMany(match => Word().Matches(match.Groups[1].Value))
        .Select(match => match.Groups[1].Value).Except(["apiVersion", "kind", "metadata", "spec", "status"]).Distinct().Order(StringComparer.Ordinal);

    private static JsonNode Spec(string definition) =>
        Checkout.Find("CustomResourceDefinition", definition)["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!;

    private static IEnumerable<string> Properties(JsonNode schema) =>
        (schema["properties"]?.AsObject() ?? []).SelectMany(p => Properties(p.Value!).Prepend(p.Key)).Concat(schema["items"] is { } items ? Properties(items) : []);

    [GeneratedRegex(@"\.Only\(([^)]*)\)")]
    private static partial Regex Only();

    [GeneratedRegex("\"(\\w+)\"")]
    private static partial Regex Word();
}
