using System.Text.Json;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;
using Cel;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>
/// The rules (CEL) in the definitions of our kinds, by another implementation than the API server's: that they are well-formed, and what
/// they decide. tests/Kubernetes asks a real server the same, where one is given that knows them (Kubernetes 1.29).
/// </summary>
public sealed class DefinitionRuleTests
{
    [Theory]
    [InlineData("", "{}", true)]
    [InlineData("", "{action: ALLOW}", true)]
    [InlineData("", "{action: DENY, rules: [{}]}", true)]
    [InlineData("", "{action: DENY}", false)]
    [InlineData("", "{action: DENY, rules: []}", false)]
    [InlineData("selector.matchExpressions[]", "{key: a, operator: In, values: [b]}", true)]
    [InlineData("selector.matchExpressions[]", "{key: a, operator: Exists}", true)]
    [InlineData("selector.matchExpressions[]", "{key: a, operator: DoesNotExist, values: []}", true)]
    [InlineData("selector.matchExpressions[]", "{key: a, operator: NotIn}", false)]
    [InlineData("selector.matchExpressions[]", "{key: a, operator: In, values: []}", false)]
    [InlineData("selector.matchExpressions[]", "{key: a, operator: Exists, values: [b]}", false)]
    [InlineData("rules[].from[]", "{identities: ['*']}", true)]
    [InlineData("rules[].from[]", "{namespaces: [shop], addresses: [10.0.0.0/8]}", true)]
    [InlineData("rules[].from[]", "{nodeAddress: true, addresses: [10.0.0.1]}", true)]
    [InlineData("rules[].from[]", "{}", false)]
    [InlineData("rules[].from[]", "{nodeAddress: true, namespaces: [shop]}", false)]
    [InlineData("rules[].from[]", "{nodeAddress: true, identities: ['*']}", false)]
    public void A_policy_is_judged_as_the_reader_judges_it(string at, string value, bool isTaken)
    {
        var schema = At(at);
        var environment = new CelEnvironment([], "");
        var self = new Dictionary<string, object?> { ["self"] = Plain(YamlTree.Read(value).SingleOrDefault() ?? new JsonObject()) };
        var refused = schema["x-kubernetes-validations"]!.AsArray().Where(rule => environment.Program((string)rule!["rule"]!, self) is not true).Select(rule => (string)rule!["message"]!).ToList();
        Assert.True(isTaken == (refused.Count == 0), string.Join("; ", refused));
    }

    [Fact]
    public void Every_rule_has_a_message_a_reason_and_a_path_that_is_in_its_schema()
    {
        var found = 0;
        foreach (var (path, schema) in Schemas(At(""), ""))
        {
            foreach (var rule in schema["x-kubernetes-validations"]?.AsArray() ?? [])
            {
                found++;
                Assert.NotEqual("", (string?)rule!["message"] ?? "");
                Assert.Contains((string?)rule["reason"], (string[])["FieldValueInvalid", "FieldValueForbidden", "FieldValueRequired", "FieldValueDuplicate"]);
                if ((string?)rule["fieldPath"] is { } field) Assert.True(schema["properties"]!.AsObject().ContainsKey(field.TrimStart('.')), $"{path}: {field}");
            }
        }
        Assert.Equal(4, found);
    }

    private static IEnumerable<(string Path, JsonNode Schema)> Schemas(JsonNode schema, string path) =>
        (schema["properties"]?.AsObject() ?? []).SelectMany(p => Schemas(p.Value!, $"{path}.{p.Key}")).Concat(schema["items"] is { } items ? Schemas(items, path + "[]") : []).Prepend((path, schema));

    private static JsonNode At(string path) => path.Split('.', StringSplitOptions.RemoveEmptyEntries).Aggregate(
        Checkout.Find("CustomResourceDefinition", "accesspolicies.ambient.mesh")["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!,
        (schema, part) => part.EndsWith("[]", StringComparison.Ordinal) ? schema["properties"]![part[..^2]]!["items"]! : schema["properties"]![part]!);

    private static object? Plain(JsonNode? node) => node switch
    {
        JsonObject map => map.ToDictionary(entry => entry.Key, entry => Plain(entry.Value)),
        JsonArray list => list.Select(Plain).ToArray(),
        JsonValue value => value.GetValueKind() switch
        {
            JsonValueKind.String => value.ToString(),
            JsonValueKind.Number => (long)value,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        },
        _ => null,
    };
}
