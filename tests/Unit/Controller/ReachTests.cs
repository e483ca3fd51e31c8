using Ambient.Controller.Model;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Yaml;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Who may call whom decides what a node is told of.</summary>
public sealed class ReachTests
{
    private const string Ranges = "podRanges: [10.1.0.0/16], serviceRanges: [10.2.0.0/16]";

    /// <summary>Pods of shop on node a, of bank on node b, of nobody's namespace on node c.</summary>
    private const string Mesh = """
        {kind: Namespace, metadata: {name: shop, labels: {ambient.mesh/enroll: "true"}}}
        ---
        {kind: Namespace, metadata: {name: bank, labels: {ambient.mesh/enroll: "true"}}}
        ---
        {kind: Namespace, metadata: {name: park, labels: {ambient.mesh/enroll: "true"}}}
        ---
        {kind: Pod, metadata: {name: web, namespace: shop, uid: web, labels: {app: web}}, spec: {nodeName: a, serviceAccountName: web}, status: {podIP: 10.1.0.1}}
        ---
        {kind: Pod, metadata: {name: api, namespace: bank, uid: api, labels: {app: api}}, spec: {nodeName: b, serviceAccountName: api}, status: {podIP: 10.1.1.1}}
        ---
        {kind: Pod, metadata: {name: tree, namespace: park, uid: tree, labels: {app: tree}}, spec: {nodeName: c, serviceAccountName: tree}, status: {podIP: 10.1.2.1}}
        ---
        {kind: Service, apiVersion: v1, metadata: {name: api, namespace: bank}, spec: {clusterIP: 10.2.0.1, selector: {app: api}, ports: [{port: 80}]}}
        ---
        {kind: Service, apiVersion: v1, metadata: {name: tree, namespace: park}, spec: {clusterIP: 10.2.0.2, selector: {app: tree}, ports: [{port: 80}]}}
        ---
        {kind: Node, metadata: {name: a}, status: {addresses: [{type: InternalIP, address: 192.168.0.1}]}}
        ---
        {kind: AccessPolicy, apiVersion: ambient.mesh/v1alpha1, metadata: {name: everywhere, namespace: ambient-system}, spec: {rules: [{}]}}
        ---
        {kind: AccessPolicy, apiVersion: ambient.mesh/v1alpha1, metadata: {name: own, namespace: park}, spec: {rules: [{}]}}
        """;

    [Theory]
    [InlineData("", "shop", "*")]
    [InlineData("{from: [shop], to: [bank]}", "shop", "bank shop")]                           // its own, always
    [InlineData("{from: [shop], to: [bank]}", "bank", "*")]                                   // whom no rule names
    [InlineData("{from: [shop], to: [bank]}, {from: [shop, park], to: [kube-system]}", "shop", "bank kube-system shop")]
    [InlineData("{from: [shop], to: [bank]}, {from: ['*'], to: [kube-system]}", "bank", "bank kube-system")]
    [InlineData("{from: [shop], to: [bank]}, {from: ['*'], to: [kube-system]}", "shop", "bank shop")]   // the rest is what no other rule is from
    [InlineData("{from: ['*'], to: ['*']}", "shop", "*")]
    [InlineData("{from: [shop], to: ['*']}, {from: ['*'], to: [park]}", "shop", "*")]
    public void Rules_add_up_and_whom_none_is_from_reaches_everything(string rules, string ns, string reached) =>
        Assert.Equal(reached, SettingsOf($"{Ranges}, reach: [{rules}]").Reach.Of(ns) is { } names ? string.Join(' ', names.Order(StringComparer.Ordinal)) : "*");

    [Theory]
    [InlineData("{from: [shop]}", "spec.reach[0].to")]
    [InlineData("{to: [shop]}", "spec.reach[0].from")]
    [InlineData("{from: [], to: [shop]}", "spec.reach[0].from")]
    [InlineData("{from: [shop], to: ['team-*']}", "spec.reach[0].to[0]")]
    [InlineData("{from: [shop, Shop], to: [shop]}", "spec.reach[0].from[1]")]
    [InlineData("{from: [shop], to: [shop], except: [bank]}", "spec.reach[0].except")]
    [InlineData("shop", "spec.reach[0]")]
    public void A_rule_that_cannot_be_read_is_no_rule_less_but_a_fault_of_its_file(string rule, string place) =>
        Assert.Contains(place, Assert.Throws<YamlFaultException>(() => SettingsOf($"{Ranges}, reach: [{rule}]")).Message);

    [Fact]
    public void Without_the_meshs_ranges_reach_is_ignored_since_nodes_would_let_pass_what_they_are_not_told_of()
    {
        var model = ModelOf("podRanges: [10.1.0.0/16], reach: [{from: [shop], to: [bank]}]");
        Assert.False(model.Settings.Reach.IsLimited);
        Assert.Contains(model.Warnings, warning => warning.Contains("spec.reach is ignored"));
    }

    [Fact]
    public async Task A_node_is_told_of_what_its_pods_reach_and_of_nothing_else()
    {
        await using var rig = await ControllerRig.StartAsync($"{Config("{from: [shop], to: [bank]}")}\n---\n{Mesh}");
        await using var shop = await rig.ConnectAsync("a");
        await using var bank = await rig.ConnectAsync("b");
        await shop.SettleAsync();
        await bank.SettleAsync();

        Assert.Equal(["endpoint/bank/api/10.1.1.1", "node/a", "policy/ambient-system/everywhere", "service/bank/api", "settings", "workload/api", "workload/web"], shop.View.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(11, bank.View.Count);   // no rule is from bank
    }

    [Fact]
    public async Task What_a_node_is_not_told_of_costs_it_no_message_and_holds_nobody_up()
    {
        await using var rig = await ControllerRig.StartAsync($"{Config("{from: [shop], to: [bank]}")}\n---\n{Mesh}");
        await using var shop = await rig.ConnectAsync("a");
        await using var bank = await rig.ConnectAsync("b");
        await shop.SettleAsync();
        await bank.SettleAsync();
        // What node b can do is told of its pods, and may come later than what a was waiting for.
        await shop.UntilAsync(() => shop.View.Values.Where(r => r.Workload is not null).All(r => r.Workload.Capabilities.Count == 1));
        var (told, version) = (shop.Deltas.Count, bank.Version);

        rig.Write("more.yaml", "{kind: Service, apiVersion: v1, metadata: {name: bench, namespace: park}, spec: {clusterIP: 10.2.0.9, ports: [{port: 80}]}}");
        await bank.UntilAsync(() => bank.View.ContainsKey("service/park/bench"));
        // The next thing that it is told of comes in one step, from the version that it has.
        rig.Write("more.yaml", "{kind: Service, apiVersion: v1, metadata: {name: till, namespace: bank}, spec: {clusterIP: 10.2.0.9, ports: [{port: 80}]}}");
        await shop.UntilAsync(() => shop.View.ContainsKey("service/bank/till"));

        await bank.UntilAsync(() => bank.View.ContainsKey("service/bank/till"));
        Assert.True(shop.Version > version);
        Assert.Equal(told + 1, shop.Deltas.Count);
        Assert.Empty(shop.Deltas[^1].Removals);   // of what it was never told
        await Eventually.Async(() => !rig.GetAsync("/v1/nodes").Result.Contains("\"lag\": 1"), () => rig.GetAsync("/v1/nodes").Result);
    }

    [Fact]
    public async Task A_pod_that_comes_to_a_node_brings_all_that_it_reaches_in_the_message_that_tells_of_it()
    {
        await using var rig = await ControllerRig.StartAsync($"{Config("{from: [shop], to: [bank]}, {from: [park], to: [bank]}")}\n---\n{Mesh}");
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();
        Assert.DoesNotContain("service/park/tree", node.View.Keys);

        rig.Write("more.yaml", "{kind: Pod, metadata: {name: bush, namespace: park, uid: bush}, spec: {nodeName: a}, status: {podIP: 10.1.0.9}}");
        await node.UntilAsync(() => node.View.ContainsKey("workload/bush"));
        // The node has no such pod captured before it knows of it (NodeProcess says so), and by then it knows all of this.
        Assert.Contains("service/park/tree", node.View.Keys);
        Assert.Contains("policy/park/own", node.View.Keys);
        Assert.False(node.Deltas[^1].Full);

        File.Delete(Path.Combine(rig.Source, "more.yaml"));
        await node.UntilAsync(() => !node.View.ContainsKey("service/park/tree"));
        Assert.DoesNotContain(node.View.Keys, key => key.StartsWith("policy/park", StringComparison.Ordinal));
        Assert.Contains("service/bank/api", node.View.Keys);
    }

    [Fact]
    public async Task An_edit_of_the_rules_reaches_every_node()
    {
        await using var rig = await ControllerRig.StartAsync(Mesh);
        rig.Write("config.yaml", Config("{from: [shop], to: [bank]}"));
        await using var node = await rig.ConnectAsync("a");
        await node.UntilAsync(() => node.Deltas.Count > 0 && !node.View.ContainsKey("service/park/tree"));

        rig.Write("config.yaml", Config("{from: [shop], to: [park]}"));
        await node.UntilAsync(() => node.View.ContainsKey("service/park/tree") && !node.View.ContainsKey("service/bank/api"));
        rig.Write("config.yaml", Config(""));
        await node.UntilAsync(() => node.View.ContainsKey("service/park/tree") && node.View.ContainsKey("service/bank/api"));
    }

    [Fact]
    public async Task A_node_that_comes_back_builds_upon_what_it_was_told_of()
    {
        await using var rig = await ControllerRig.StartAsync($"{Config("{from: [shop], to: [bank]}")}\n---\n{Mesh}");
        var first = await rig.ConnectAsync("a");
        await first.SettleAsync();
        await rig.LoggedAsync($"View {first.Version} ");
        await first.DisposeAsync();
        await rig.LoggedAsync("Node a disconnected");
        rig.Write("more.yaml", "{kind: Pod, metadata: {name: bush, namespace: park, uid: bush}, spec: {nodeName: a}, status: {podIP: 10.1.0.9}}");

        await using var again = await rig.ConnectAsync("a", epoch: first.Welcome.Epoch, version: first.Version);
        await again.UntilAsync(() => again.View.ContainsKey("workload/bush"));

        // No rule is from park: it gets the rest of everything, and not what it had.
        Assert.DoesNotContain(again.Deltas, delta => delta.Full);
        Assert.Contains("service/park/tree", again.View.Keys);
        Assert.DoesNotContain("settings", again.View.Keys);
    }

    [Fact]
    public async Task So_does_one_whose_stream_before_has_not_been_noticed_to_have_ended()
    {
        await using var rig = await ControllerRig.StartAsync($"{Config("{from: [shop], to: [bank]}, {from: [park], to: [park]}")}\n---\n{Mesh}");
        await using var first = await rig.ConnectAsync("a");
        await first.SettleAsync();
        first.AcksByItself = false;
        rig.Write("more.yaml", "{kind: Pod, metadata: {name: bush, namespace: park, uid: bush}, spec: {nodeName: a}, status: {podIP: 10.1.0.9}}");
        await rig.LoggedAsync($"View {first.Version + 1} ");

        await using var again = await rig.ConnectAsync("a", epoch: first.Welcome.Epoch, version: first.Version);
        await again.UntilAsync(() => again.View.ContainsKey("workload/bush"));
        Assert.Contains("service/park/tree", again.View.Keys);
    }

    private static string Config(string rules) => $"{{kind: MeshConfig, apiVersion: ambient.mesh/v1alpha1, metadata: {{name: default}}, spec: {{{Ranges}, reach: [{rules}]}}}}";

    private static MeshSettings SettingsOf(string spec) => ModelOf(spec).Settings;

    private static MeshModel ModelOf(string spec)
    {
        var file = ParsedFile.Empty.Next("a.yaml", $"{{kind: MeshConfig, apiVersion: ambient.mesh/v1alpha1, metadata: {{name: default}}, spec: {{{spec}}}}}");
        return new ModelBuilder("cluster.local").Build(new SourceSnapshot(file.Objects, file.UnknownKinds, [], IsStandalone: true));
    }
}
