using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>What the definitions of our kinds let in. What they refuse the readers refuse too; docs/policy.md says what each means.</summary>
public sealed class DefinitionTests(ApiServer server)
{
    // CEL in definitions.
    private const int RulesMinor = 29;

    [Theory]
    [InlineData("{}")]
    [InlineData("{selector: {matchLabels: {app: orders}}, action: ALLOW, rules: [{from: [{identities: ['spiffe://cluster.local/ns/shop/sa/web']}], ports: [8080]}]}")]
    [InlineData("{selector: {matchExpressions: [{key: app, operator: In, values: [a, b]}, {key: tier, operator: Exists}]}, rules: [{}]}")]
    [InlineData("{action: DENY, rules: [{from: [{namespaces: [monitoring], addresses: [10.1.0.0/16, 'fd00:1::7', 192.0.2.1]}]}]}")]
    [InlineData("{rules: [{from: [{nodeAddress: true, addresses: [10.0.0.0/8]}], ports: [9000, 65535]}]}")]
    [InlineData("{rules: [{from: [{identities: ['*', 'spiffe://*/ns/shop/sa/web-*']}]}]}")]
    public Task A_policy_that_the_controller_understands_is_taken(string spec) => PolicyAsync(spec, isTaken: true);

    [Theory]
    [InlineData("{action: AUDIT}")]
    [InlineData("{rules: [{ports: [0]}]}")]
    [InlineData("{rules: [{ports: [65536]}]}")]
    [InlineData("{rules: [{ports: []}]}")]
    [InlineData("{rules: [{ports: ['http']}]}")]
    [InlineData("{rules: [{from: []}]}")]
    [InlineData("{rules: [{from: [{identities: []}]}]}")]
    [InlineData("{rules: [{from: [{identities: ['cluster.local/ns/shop/sa/web']}]}]}")]
    [InlineData("{rules: [{from: [{namespaces: ['shop*']}]}]}")]
    [InlineData("{rules: [{from: [{addresses: ['web.example']}]}]}")]
    [InlineData("{rules: [{from: [{nodeAddress: false}]}]}")]
    [InlineData("{selector: {matchExpressions: [{operator: Exists}]}}")]
    [InlineData("{selector: {matchExpressions: [{key: app, operator: Like}]}}")]
    [InlineData("{selector: app}")]
    public Task A_policy_of_another_form_is_refused(string spec) => PolicyAsync(spec, isTaken: false);

    [Theory]
    [InlineData("{action: DENY}")]
    [InlineData("{action: DENY, rules: []}")]
    [InlineData("{rules: [{from: [{}]}]}")]
    [InlineData("{rules: [{from: [{nodeAddress: true, namespaces: [shop]}]}]}")]
    [InlineData("{rules: [{from: [{nodeAddress: true, identities: ['*']}]}]}")]
    [InlineData("{selector: {matchExpressions: [{key: app, operator: In}]}}")]
    [InlineData("{selector: {matchExpressions: [{key: app, operator: In, values: []}]}}")]
    [InlineData("{selector: {matchExpressions: [{key: app, operator: Exists, values: [a]}]}}")]
    public Task A_policy_that_contradicts_itself_is_refused_by_a_rule(string spec)
    {
        server.RequireReal("a rule of CEL");
        server.RequireVersion(RulesMinor, "CEL in definitions");
        return PolicyAsync(spec, isTaken: false);
    }

    [Theory]
    [InlineData("{rules: [{from: [{namespaces: [shop]}], to: [{ports: [1]}]}]}", "/rules/0/to")]
    [InlineData("{rules: [{from: [{namespaces: [shop], principal: x}]}]}", "/rules/0/from/0/principal")]
    [InlineData("{selector: {matchLabel: {a: b}}}", "/selector/matchLabel")]
    [InlineData("{mode: audit}", "/mode")]
    [InlineData("{rules: [{from: null}]}", "/rules/0/from")]
    [InlineData("{rules: [{ports: null}]}", "/rules/0/ports")]
    [InlineData("{rules: [{from: [{namespaces: [shop], addresses: null}]}]}", "/rules/0/from/0/addresses")]
    [InlineData("{selector: null}", "/selector")]
    [InlineData("{selector: {matchLabels: {app: null}}}", "/selector/matchLabels/app")]
    [InlineData("{action: null}", "/action")]
    public async Task A_field_that_nobody_knows_or_without_a_value_is_kept_so_that_the_policy_denies_or_is_refused(string spec, string path)
    {
        // Dropped it would leave a policy that allows more. A server whose rules meet the missing value may refuse it instead.
        AssertKept(await PolicyAsync(spec, isTaken: spec.Contains("null", StringComparison.Ordinal) ? null : true), path);
    }

    [Theory]
    [InlineData("{podRange: [10.244.0.0/16]}", "/podRange")]
    [InlineData("{reach: [{from: [shop], to: [bank], ports: [80]}]}", "/reach/0/ports")]
    [InlineData("{podRanges: null}", "/podRanges")]
    [InlineData("{mode: null}", "/mode")]
    [InlineData("{drainSeconds: null}", "/drainSeconds")]
    public async Task A_setting_that_nobody_knows_or_without_a_value_is_kept_so_that_the_status_names_it_or_is_refused(string spec, string path)
    {
        // Dropped it would leave a mesh without what was meant: a misspelt podRanges lets unknown addresses be dialled in the clear.
        await RequireKindsAsync();
        AssertKept(await TryAsync("/apis/ambient.mesh/v1alpha1/meshconfigs", "MeshConfig", spec, isTaken: spec.Contains("null", StringComparison.Ordinal) ? null : true), path);
    }

    private static void AssertKept(JsonObject stored, string path)
    {
        if (stored["spec"] is null) return;
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var owner = parts[..^1].Aggregate<string, JsonNode?>(stored["spec"], (node, part) => node is JsonArray list ? list[int.Parse(part, System.Globalization.CultureInfo.InvariantCulture)] : node?[part]);
        Assert.True(owner!.AsObject().ContainsKey(parts[^1]), stored["spec"]!.ToJsonString());
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("{trustDomain: mesh.example, podRanges: [10.244.0.0/16, 'fd00::/48'], serviceRanges: [10.96.0.0/12], mode: STRICT, direct: false, tunnelPort: original, drainSeconds: 0}", true)]
    [InlineData("{podRanges: [10.0.0.0/9], serviceRanges: [172.16.0.0/12], reach: [{from: [shop, shop-canary], to: [bank]}, {from: ['*'], to: ['*']}]}", true)]
    [InlineData("{reach: [{from: [shop]}]}", false)]
    [InlineData("{reach: [{from: ['shop*'], to: [bank]}]}", false)]
    [InlineData("{reach: [{from: [], to: [bank]}]}", false)]
    [InlineData("{mode: strict}", false)]
    [InlineData("{trustDomain: Mesh.Example}", false)]
    [InlineData("{podRanges: [10.244.0.0]}", false)]
    [InlineData("{drainSeconds: -1}", false)]
    [InlineData("{drainSeconds: 86401}", false)]
    [InlineData("{tunnelPort: 15008}", false)]
    [InlineData("{direct: 'yes'}", false)]
    public async Task Settings_are_taken_if_the_controller_understands_them(string spec, bool isTaken)
    {
        await RequireKindsAsync();
        await TryAsync("/apis/ambient.mesh/v1alpha1/meshconfigs", "MeshConfig", spec, isTaken);
    }

    private async Task<JsonObject> PolicyAsync(string spec, bool? isTaken)
    {
        await RequireKindsAsync();
        return await TryAsync("/apis/ambient.mesh/v1alpha1/namespaces/default/accesspolicies", "AccessPolicy", spec, isTaken);
    }

    // A dry run: what is decided is the same, and nobody else's mesh gets a policy.
    private async Task<JsonObject> TryAsync(string path, string kind, string spec, bool? isTaken)
    {
        var item = new JsonObject
        {
            ["apiVersion"] = "ambient.mesh/v1alpha1",
            ["kind"] = kind,
            ["metadata"] = new JsonObject { ["name"] = server.Name("definition") },
            ["spec"] = YamlTree.Read(spec).SingleOrDefault() ?? new JsonObject(),
        };
        using var answer = await server.Http.PostAsync($"{path}?dryRun=All", new StringContent(item.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue("application/json")));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.UnprocessableEntity, $"{(int)answer.StatusCode}: {text}");
        Assert.True(isTaken is null || answer.IsSuccessStatusCode == isTaken, $"{(int)answer.StatusCode}: {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    private async Task RequireKindsAsync()
    {
        server.RequireReal("validation by a schema");
        foreach (var definition in ManifestTests.Objects("daemonset.yaml").Where(o => (string?)o["kind"] == "CustomResourceDefinition"))
        {
            // By create: an older server drops the rules of CEL, which it does not know, and refuses them in an apply.
            using var made = await server.Http.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JsonContent.Create(definition));
            Assert.True(made.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, await made.Content.ReadAsStringAsync());
            var plural = (string)definition["spec"]!["names"]!["plural"]!;
            Assert.True(await Eventually.TrueAsync(async () => (await server.Http.GetAsync($"/apis/ambient.mesh/v1alpha1/{plural}?limit=1")).IsSuccessStatusCode), $"{plural} are not served");
        }
    }
}
