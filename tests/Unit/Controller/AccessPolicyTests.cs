using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Controller;

public sealed class AccessPolicyTests
{
    [Fact]
    public void Every_source_of_a_rule_becomes_a_rule_of_the_wire_with_the_number_that_was_written()
    {
        AccessPolicy policy = Read("""
            selector: {matchLabels: {app: api}}
            rules:
            - {}
            - from:
              - identities: ["spiffe://cluster.local/ns/shop/sa/web", "spiffe://*/ns/jobs/sa/*"]
              - namespaces: [monitoring]
                addresses: [10.1.0.0/16, 10.2.0.1, "fd00::/48", "fd00::7"]
              - nodeAddress: true
              ports: [80, 443]
            """);
        Assert.Null(policy.Unenforceable);
        Assert.Equal(Ambient.Protocol.Model.PolicyAction.Allow, policy.Action);
        Assert.Equal([1, 2, 2, 2], policy.Rules.Select(rule => rule.Number));
        Assert.Equal(new AccessRule { Number = 1 }.ToString(), policy.Rules[0].ToString());
        Assert.Equal(["spiffe://cluster.local/ns/shop/sa/web", "spiffe://*/ns/jobs/sa/*"], policy.Rules[1].Identities);
        Assert.Equal(["monitoring"], policy.Rules[2].Namespaces);
        Assert.Equal(["10.1.0.0/16", "10.2.0.1/32", "fd00::/48", "fd00::7/128"], policy.Rules[2].Sources.Select(range => range.ToString()));
        Assert.Equal((false, false, true), (policy.Rules[1].NodeAddress, policy.Rules[2].NodeAddress, policy.Rules[3].NodeAddress));
        Assert.All(policy.Rules.Skip(1), rule => Assert.Equal([80, 443], rule.Ports));
    }

    [Theory]
    [InlineData("rules: [{from: [{identities: ['spiffe://cluster.local/ns/shop/sa/web']}], when: 5}]", "1: unknown field spec.rules[0].when")]
    [InlineData("rules: [{from: [{principals: [a]}]}]", "1: unknown field spec.rules[0].from[0].principals")]
    [InlineData("audit: true", "1: unknown field spec.audit")]
    [InlineData("action: AUDIT", "1: expected ALLOW or DENY at spec.action")]
    [InlineData("action: deny", "1: expected ALLOW or DENY at spec.action")]
    [InlineData("action: DENY", "at least one rule")]
    [InlineData("rules: [{from: }]", "1: expected a value at spec.rules[0].from")]
    [InlineData("rules: [{from: []}]", "1: expected at least one entry")]
    [InlineData("rules: [{from: [{}]}]", "1: expected identities, namespaces, addresses or nodeAddress at spec.rules[0].from[0]")]
    [InlineData("rules: [{from: {namespaces: [a]}}]", "1: expected a list at spec.rules[0].from")]
    [InlineData("rules: {from: []}", "1: expected a list at spec.rules")]
    [InlineData("rules: [{ports: []}]", "1: expected at least one entry")]
    [InlineData("rules: [{ports: [http]}]", "1: expected a port from 1 to 65535 at spec.rules[0].ports[0]")]
    [InlineData("rules: [{ports: [80, 70000]}]", "1: expected a port from 1 to 65535 at spec.rules[0].ports[1]")]
    [InlineData("rules: [{from: [{identities: [web]}]}]", "1: expected an identity like spiffe://cluster.local/ns/shop/sa/web (it does not begin with spiffe://)")]
    [InlineData("rules: [{from: [{namespaces: ['sh*']}]}]", "1: expected the name of a namespace, without wildcards")]
    [InlineData("rules: [{from: [{addresses: [10.1.0.1/16]}]}]", "1: expected an address, or a range like 10.1.0.0/16 without bits behind the prefix")]
    [InlineData("rules: [{from: [{addresses: [example.com]}]}]", "1: expected an address")]
    [InlineData("rules: [{from: [{nodeAddress: false}]}]", "1: expected true, or nothing, at spec.rules[0].from[0].nodeAddress")]
    [InlineData("rules: [{from: [{nodeAddress: true, namespaces: [a]}]}]", "1: expected no identities or namespaces beside it")]
    public void What_is_not_understood_makes_the_policy_deny_with_the_line_and_the_reason(string spec, string said)
    {
        AccessPolicy policy = Read($"{{{spec}}}");
        Assert.Contains($"p.yaml:{said}", policy.Unenforceable!.Replace("p.yaml:1: expected at least one rule", "p.yaml:at least one rule", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Empty(policy.Rules);
        var model = Build(Pod("api"), Policy("p", spec));
        Assert.Equal(["policy/shop/p"], model.Pods.Values.Single().Policies);
        Assert.Contains(model.Warnings, warning => warning.StartsWith("AccessPolicy shop/p cannot be enforced, and the pods that it selects take nothing: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("matchLabel: {app: web}")]
    [InlineData("matchLabels: {app: }")]
    [InlineData("matchLabels: [app]")]
    [InlineData("matchExpressions: [{key: app, operator: Is, values: [web]}]")]
    [InlineData("matchExpressions: [{key: app, operator: In, values: []}]")]
    [InlineData("matchExpressions: [{key: app, operator: Exists, values: [web]}]")]
    [InlineData("matchExpressions: [{operator: Exists}]")]
    public void A_selector_that_is_not_understood_selects_every_pod_of_its_namespace_and_denies(string selector)
    {
        var model = Build(Pod("api"), Pod("elsewhere", ns: "other", ip: "10.1.0.2"), Policy("p", $"selector: {{{selector}}}, rules: [{{}}]"));
        Assert.Equal(["policy/shop/p"], model.Pods.Values.Single(pod => pod.Name == "api").Policies);
        Assert.Empty(model.Pods.Values.Single(pod => pod.Name == "elsewhere").Policies);
        Assert.NotEmpty(PolicyOf(model).Unenforceable);
    }

    [Fact]
    public void A_policy_of_another_version_of_the_API_denies()
    {
        var model = Build(Pod("api"), Policy("p", "rules: [{}]").Replace("v1alpha1", "v9", StringComparison.Ordinal));
        Assert.Contains("v1alpha1", PolicyOf(model).Unenforceable, StringComparison.Ordinal);
        Assert.NotEmpty(model.Pods.Values.Single().Policies);
    }

    [Fact]
    public void Of_two_policies_with_one_name_neither_is_lost_and_both_places_are_told()
    {
        var model = Build(Pod("api"), Pod("web", ip: "10.1.0.2"), Policy("p", "selector: {matchLabels: {app: api}}, rules: [{}]"), Policy("p", "selector: {matchLabels: {app: web}}, action: DENY, rules: [{}]"));
        Assert.Equal("2.yaml:1 and 3.yaml:1 have the same name", PolicyOf(model).Unenforceable);
        Assert.All(model.Pods.Values, pod => Assert.Equal(["policy/shop/p"], pod.Policies));
    }

    [Fact]
    public void A_policy_selects_pods_of_its_namespace_and_one_of_ambient_system_pods_of_all()
    {
        var model = Build(Pod("api"), Pod("web", ip: "10.1.0.2"), Pod("job", ns: "jobs", ip: "10.1.0.3"),
            Policy("of-api", "selector: {matchLabels: {app: api}}"), Policy("of-all", ""), Policy("mesh", "selector: {matchExpressions: [{key: app, operator: In, values: [api, job]}]}", ns: "ambient-system"));
        Assert.Equal(["policy/ambient-system/mesh", "policy/shop/of-all", "policy/shop/of-api"], model.Pods.Values.Single(pod => pod.Name == "api").Policies);
        Assert.Equal(["policy/shop/of-all"], model.Pods.Values.Single(pod => pod.Name == "web").Policies);
        Assert.Equal(["policy/ambient-system/mesh"], model.Pods.Values.Single(pod => pod.Name == "job").Policies);
    }

    [Fact]
    public void An_edit_of_a_policy_changes_one_resource_and_an_edit_of_its_selector_the_pods_it_is_about()
    {
        string[] rest = [Pod("api"), Pod("web", ip: "10.1.0.2"), Pod("job", ip: "10.1.0.3")];
        var history = new ViewHistory();
        var composer = new ViewComposer(_ => EnrolmentState.Enrolled, _ => [], _ => [], (_, _) => { });
        MeshModel? last = null;
        string[] Change(string spec)
        {
            ulong before = history.Version;
            var next = Build([.. rest, Policy("p", spec)]);
            history.Apply(composer.Update(next with { Change = ModelChange.Between(last, next) }));
            last = next;
            return [.. (history.ChangeFrom(before, ViewScope.Everything, ViewScope.Everything)?.Parts ?? []).SelectMany(part => Delta.Parser.ParseFrom(part.Span).Upserts).Select(resource => resource.Workload?.Name ?? resource.Key).Order(StringComparer.Ordinal)];
        }
        Change("selector: {matchLabels: {app: api}}, rules: [{ports: [80]}]");
        Assert.Equal(["policy/shop/p"], Change("selector: {matchLabels: {app: api}}, rules: [{ports: [81]}]"));
        Assert.Equal(["api", "web"], Change("selector: {matchLabels: {app: web}}, rules: [{ports: [81]}]"));
        Assert.Equal(["api", "job"], Change("rules: [{ports: [81]}]"));
    }

    [Theory]
    [InlineData("", "", "PERMISSIVE")]
    [InlineData("ambient.mesh/mode: STRICT", "", "STRICT")]
    [InlineData("ambient.mesh/mode: STRICT", "ambient.mesh/mode: PERMISSIVE", "PERMISSIVE")]
    [InlineData("ambient.mesh/port-modes: '8080=STRICT, 9090=PERMISSIVE'", "", "PERMISSIVE 8080=STRICT")]
    [InlineData("ambient.mesh/port-modes: '8080=STRICT'", "ambient.mesh/port-modes: '9090=STRICT'", "PERMISSIVE 9090=STRICT")]
    [InlineData("ambient.mesh/port-modes: '8080=PERMISSIVE'", "ambient.mesh/mode: STRICT", "STRICT")]   // the pod speaks for all of its ports
    [InlineData("ambient.mesh/mode: STRICT", "ambient.mesh/port-modes: '8080=PERMISSIVE'", "STRICT 8080=PERMISSIVE")]
    [InlineData("", "ambient.mesh/mode: strict", "STRICT!")]
    [InlineData("ambient.mesh/mode: OFF", "", "STRICT!")]
    [InlineData("ambient.mesh/mode: OFF", "ambient.mesh/mode: PERMISSIVE", "PERMISSIVE")]
    [InlineData("", "ambient.mesh/port-modes: '8080'", "STRICT!")]
    [InlineData("", "ambient.mesh/port-modes: '8080=STRICT,8080=PERMISSIVE'", "STRICT!")]
    [InlineData("", "ambient.mesh/port-modes: '0=STRICT'", "STRICT!")]
    [InlineData("", "ambient.mesh/port-modes: ''", "STRICT!")]
    public void The_mode_of_the_pod_wins_over_that_of_its_namespace_and_what_cannot_be_read_is_STRICT(string ns, string pod, string expected)
    {
        var model = Build($"{{kind: Namespace, metadata: {{name: shop, annotations: {{{ns}}}}}}}", Pod("api", annotations: pod));
        var workload = model.Pods.Values.Single().ToResource(EnrolmentState.Enrolled, []).Workload;
        var said = string.Join(' ', [workload.Mode.ToString().ToUpperInvariant(), .. workload.PortModes.Select(mode => $"{mode.Port}={mode.Mode.ToString().ToUpperInvariant()}")]);
        Assert.Equal(expected, said + (model.Warnings.Any(warning => warning.Contains("STRICT", StringComparison.Ordinal)) ? "!" : ""));
    }

    [Fact]
    public void A_mode_in_a_label_counts_as_well_and_one_that_contradicts_the_annotation_is_STRICT()
    {
        Assert.Equal(Ambient.Protocol.Mesh.V1.ProtectionMode.Strict, Build(Pod("api", labels: "ambient.mesh/mode: STRICT")).Pods.Values.Single().Mode);
        var model = Build(Pod("api", labels: "ambient.mesh/mode: STRICT", annotations: "ambient.mesh/mode: PERMISSIVE"));
        Assert.Equal(Ambient.Protocol.Mesh.V1.ProtectionMode.Strict, model.Pods.Values.Single().Mode);
    }

    private static AccessPolicy Read(string spec)
    {
        string text = $"apiVersion: ambient.mesh/v1alpha1\nkind: AccessPolicy\nmetadata: {{name: p, namespace: shop}}\nspec:\n  {spec.Replace("\n", "\n  ", StringComparison.Ordinal)}";
        var reader = new ObjectReader("p.yaml");
        reader.Read(YamlDocuments.Read(spec.StartsWith('{') ? Policy("p", spec[1..^1]) : text).Single());
        var resource = new AccessPolicyBuilder(reader.Objects.OfType<AccessPolicyObject>(), _ => true).Resources.Single();
        Assert.True(ResourceReader.TryRead(resource, out var read, out string? reason), reason);
        return (AccessPolicy)read;
    }

    private static PolicyResource PolicyOf(MeshModel model) => Assert.Single(model.Resources, resource => resource.Policy is not null).Policy;

    private static string Policy(string name, string spec, string ns = "shop") =>
        $"{{kind: AccessPolicy, apiVersion: ambient.mesh/v1alpha1, metadata: {{name: {name}, namespace: {ns}}}, spec: {{{spec}}}}}";

    private static string Pod(string name, string ns = "shop", string ip = "10.1.0.1", string labels = "", string annotations = "") =>
        $"{{kind: Pod, metadata: {{name: {name}, namespace: {ns}, labels: {{app: {name}{(labels.Length > 0 ? $", {labels}" : "")}}}, annotations: {{{annotations}}}}}, spec: {{nodeName: a}}, status: {{podIP: {ip}}}}}";

    private static MeshModel Build(params string[] documents)
    {
        var readers = documents.Select((text, i) =>
        {
            var reader = new ObjectReader($"{i}.yaml");
            reader.Read(YamlDocuments.Read(text).Single());
            return reader;
        }).ToList();
        return new ModelBuilder("cluster.local").Build(new SourceSnapshot([.. readers.SelectMany(reader => reader.Objects)], [], [], IsStandalone: true));
    }
}
