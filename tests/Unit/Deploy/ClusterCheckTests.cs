using System.Text.Json.Nodes;
using Ambient.Cli.Check;
using Ambient.Cli.Check.Cluster;
using Ambient.Cli.Deploy;

namespace Ambient.Tests.Unit.Deploy;

/// <summary>What is made of a cluster's own words. A real API server is in tests/Kubernetes.</summary>
public sealed class ClusterCheckTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("v1.30.0", "ok")]
    [InlineData("v1.36.2+k3s1", "ok")]
    [InlineData("v1.29.9", "failed")]
    [InlineData("nonsense", "unknown")]
    public void An_API_server_is_judged_by_its_version(string version, string outcome) => AssertIs(outcome, VersionChecks.Server(version));

    [Fact]
    public void A_kernel_that_is_too_old_and_a_kubelet_newer_than_the_server_are_named_with_their_nodes()
    {
        JsonObject[] nodes = [Node("good", "6.1.0-18-amd64", "v1.33.1"), Node("old", "4.19.0", "v1.32.0"), Node("new", "6.8.0", "v1.35.0")];
        var results = VersionChecks.Nodes(nodes, "v1.33.1").ToList();
        AssertIs("failed", results[0]);
        Assert.Equal("too old, or not told: old (4.19.0)", results[0].Detail);
        AssertIs("warning", results[1]);
        Assert.Contains("new (v1.35.0)", results[1].Detail, StringComparison.Ordinal);
        Assert.All(VersionChecks.Nodes(nodes[..1], "v1.33.1"), result => AssertIs("ok", result));
    }

    [Theory]
    [InlineData(0, "ok")]
    [InlineData(-9, "ok")]
    [InlineData(29, "ok")]
    [InlineData(60, "warning")]
    [InlineData(400, "failed")]
    [InlineData(-200, "warning")]
    public void A_nodes_clock_is_judged_by_the_stamp_on_its_Lease(int seconds, string outcome)
    {
        var lease = new JsonObject { ["metadata"] = new JsonObject { ["name"] = "n1" }, ["spec"] = new JsonObject { ["renewTime"] = Now.AddSeconds(seconds).ToString("O") } };
        AssertIs(outcome, ClockChecks.Nodes([lease], Now));
    }

    [Fact]
    public void This_machines_clock_is_compared_with_the_servers()
    {
        AssertIs("ok", ClockChecks.Here(Now, Now.AddSeconds(20)));
        AssertIs("warning", ClockChecks.Here(Now, Now.AddMinutes(2)));
        AssertIs("unknown", ClockChecks.Here(null, Now));
    }

    [Theory]
    [InlineData("""{"kube-proxy-replacement": "true", "cni-exclusive": "false"}""", "socketLB.hostNamespaceOnly=true")]
    [InlineData("""{"bpf-lb-sock": "true", "cni-exclusive": "false"}""", "socketLB.hostNamespaceOnly=true")]
    [InlineData("""{"kube-proxy-replacement": "true", "bpf-lb-sock-hostns-only": "true"}""", "cni.exclusive=false")]
    [InlineData("""{"kube-proxy-replacement": "true", "bpf-lb-sock-hostns-only": "true", "cni-exclusive": "false"}""", null)]
    [InlineData("""{"kube-proxy-replacement": "false", "cni-exclusive": "false"}""", null)]
    public void Settings_of_Cilium_that_capture_does_not_get_along_with_are_named_with_the_change(string config, string? mend) =>
        AssertMend(mend, CniChecks.Judge(new CniFacts(["cilium"], JsonNode.Parse(config)!.AsObject(), null, [])));

    [Theory]
    [InlineData("""{"bpfEnabled": true}""", "bpfConnectTimeLoadBalancing\":\"Disabled")]
    [InlineData("""{"bpfEnabled": true, "bpfConnectTimeLoadBalancing": "Disabled"}""", null)]
    [InlineData("""{"bpfEnabled": true, "bpfConnectTimeLoadBalancingEnabled": false}""", null)]
    [InlineData("""{"bpfEnabled": false}""", null)]
    [InlineData("""{}""", null)]
    public void Settings_of_Calico_that_capture_does_not_get_along_with_are_named_with_the_change(string spec, string? mend) =>
        AssertMend(mend, CniChecks.Judge(new CniFacts(["calico-node"], null, new JsonObject { ["spec"] = JsonNode.Parse(spec) }, [])));

    [Fact]
    public void A_plain_bridge_network_is_told_as_not_known_and_fails_no_check()
    {
        var report = new CheckReport([.. CniChecks.Judge(new CniFacts([], null, null, []))]);
        Assert.Equal(0, report.ExitStatus);
        Assert.Contains("not known which", Assert.Single(report.Checks).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_namespace_that_two_meshes_take_in_is_named()
    {
        var result = CniChecks.Judge(new CniFacts(["kindnet"], null, null, ["shop"])).Last();
        AssertIs("failed", result);
        Assert.Contains("shop", result.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"failurePolicy": "Fail"}""", "warning")]
    [InlineData("""{}""", "warning")]
    [InlineData("""{"failurePolicy": "Ignore"}""", "ok")]
    [InlineData("""{"namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "ambient-system"]}]}}""", "ok")]
    [InlineData("""{"namespaceSelector": {"matchLabels": {"inject": "true"}}}""", "ok")]
    [InlineData("""{"namespaceSelector": {"matchExpressions": [{"key": "control-plane", "operator": "DoesNotExist"}]}}""", "warning")]
    public void A_webhook_that_must_answer_before_the_meshs_own_pods_start_is_told(string webhook, string outcome)
    {
        var hook = JsonNode.Parse(webhook)!.AsObject();
        hook["name"] = "pods.example";
        hook["rules"] = JsonNode.Parse("""[{"apiGroups": [""], "resources": ["pods"], "operations": ["CREATE"]}]""");
        AssertIs(outcome, WebhookChecks.Judge([new JsonObject { ["metadata"] = new JsonObject { ["name"] = "x" }, ["webhooks"] = new JsonArray(hook) }]));
        hook["rules"] = JsonNode.Parse("""[{"apiGroups": ["apps"], "resources": ["deployments"], "operations": ["CREATE"]}]""");
        AssertIs("ok", WebhookChecks.Judge([new JsonObject { ["metadata"] = new JsonObject { ["name"] = "x" }, ["webhooks"] = new JsonArray(hook.DeepClone()) }]));
    }

    [Fact]
    public void Kinds_of_another_version_are_told_apart_from_ours()
    {
        var ours = YamlTree.Read(Chart.Whole(Chart.Defaults, "")).Cast<JsonObject>().Where(o => (string?)o["kind"] == "CustomResourceDefinition").Select(Established).ToList();
        Assert.All(KindChecks.Judge(ours), result => AssertIs("ok", result));
        Assert.Equal("none of Ambient's yet", Assert.Single(KindChecks.Judge([])).Detail);
        AssertIs("failed", KindChecks.Judge(ours[1..]).First());

        ours[0]["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!["properties"]!["spec"]!["properties"]!["action"]!["enum"] = new JsonArray("ALLOW");
        AssertIs("warning", KindChecks.Judge(ours).First());
        ours[0]["spec"]!["versions"]![0]!["served"] = false;
        AssertIs("failed", KindChecks.Judge(ours).First());
    }

    [Theory]
    [InlineData(null, "has never been connected")]
    [InlineData("""{"connected": false, "replica": "c-1"}""", "not connected; replica c-1")]
    [InlineData("""{"connected": true, "lastNack": "too new"}""", "refused the newest view: too new")]
    [InlineData("""{"connected": true, "health": {"state": "Degraded", "reason": "ServiceAddressHidden: x"}}""", "degraded: ServiceAddressHidden")]
    [InlineData("""{"connected": true, "health": {"state": "Degraded", "reason": "CanaryNotServed", "detail": "no answer within 5 s"}}""", "degraded: CanaryNotServed, no answer within 5 s")]
    public void A_node_that_does_not_serve_is_named_with_the_reason_and_a_mend(string? status, string reason)
    {
        JsonObject[] known = status is null ? [] : [new JsonObject { ["metadata"] = new JsonObject { ["name"] = "n1" }, ["status"] = JsonNode.Parse(status) }];
        var result = Assert.Single(MeshChecks.Nodes([Node("n1", "6.1.0", "v1.33.0")], known));
        AssertIs("failed", result);
        Assert.Equal("node n1", result.Name);
        Assert.Contains(reason, result.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Pods_that_the_mesh_cannot_take_in_are_counted_by_the_reason_and_those_that_are_starting_are_not()
    {
        AssertIs("ok", ControllerPages.JudgeLeftOut(JsonNode.Parse("{}")!.AsObject()));
        AssertIs("ok", ControllerPages.JudgeLeftOut(JsonNode.Parse("""{"leftOut": [{"reason": "no address yet", "pods": 9}]}""")!.AsObject()));
        var result = ControllerPages.JudgeLeftOut(JsonNode.Parse("""{"leftOut": [{"reason": "host network", "pods": 3}, {"reason": "no node yet", "pods": 9}, {"reason": "excluded namespace", "pods": 1}]}""")!.AsObject());
        AssertIs("warning", result);
        Assert.EndsWith(": 3 (host network), 1 (excluded namespace)", result.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_without_a_service_for_its_canary_is_in_order_unless_it_still_has_its_start_up_taint()
    {
        var node = Node("n1", "6.1.0", "v1.33.0");
        JsonObject[] known = [new JsonObject { ["metadata"] = new JsonObject { ["name"] = "n1" }, ["status"] = JsonNode.Parse("""{"connected": true, "health": {"state": "Unknown", "reason": "NotLookedAt", "detail": "no service address is known"}}""") }];
        AssertIs("ok", Assert.Single(MeshChecks.Nodes([node], known)));
        node["spec"]!["taints"] = JsonNode.Parse("""[{"key": "ambient.mesh/not-ready", "effect": "NoSchedule"}]""");
        var result = Assert.Single(MeshChecks.Nodes([node], known));
        AssertIs("failed", result);
        Assert.Contains("no service address is known", result.Detail, StringComparison.Ordinal);
        Assert.Contains("redirector.canaryService", result.Mend, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_serves_and_still_has_its_start_up_taint_is_told()
    {
        var node = Node("n1", "6.1.0", "v1.33.0");
        JsonObject[] known = [new JsonObject { ["metadata"] = new JsonObject { ["name"] = "n1" }, ["status"] = JsonNode.Parse("""{"connected": true, "health": {"state": "Ready", "reason": ""}}""") }];
        AssertIs("ok", Assert.Single(MeshChecks.Nodes([node], known)));
        node["spec"]!["taints"] = JsonNode.Parse("""[{"key": "ambient.mesh/not-ready", "effect": "NoSchedule"}]""");
        AssertIs("failed", Assert.Single(MeshChecks.Nodes([node], known)));
    }

    [Theory]
    [InlineData(null, "there is no MeshConfig")]
    [InlineData("""{"podRanges": ["10.244.0.0/16"]}""", "lacks podRanges or serviceRanges")]
    [InlineData("""{"podRanges": ["10.245.0.0/16"], "serviceRanges": ["10.96.0.0/12"]}""", "do not cover pods of nodes: 10.244.1.0/24")]
    [InlineData("""{"podRanges": ["10.244.0.0/16"], "serviceRanges": ["10.96.0.0/12"]}""", null)]
    public void Ranges_that_leave_pods_out_are_told(string? spec, string? reason)
    {
        JsonObject[] configs = spec is null ? [] : [new JsonObject { ["metadata"] = new JsonObject { ["name"] = "mesh" }, ["spec"] = JsonNode.Parse(spec) }];
        var result = MeshChecks.Settings(configs, [Node("n1", "6.1.0", "v1.33.0")], [], []);
        AssertIs(reason is null ? "ok" : "warning", result);
        Assert.Contains(reason ?? "mesh", result.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"podRanges": ["10.244.0.0/16"], "serviceRanges": ["10.96.0.0/12", "fd00:10:96::/108"]}""", "podRanges of MeshConfig mesh do not cover pods of nodes: fd00:10:244::7")]
    [InlineData("""{"podRanges": ["10.244.0.0/16", "fd00:10:244::/56"], "serviceRanges": ["10.96.0.0/12"]}""", "serviceRanges of MeshConfig mesh do not cover Services: fd00:10:96::2")]
    [InlineData("""{"podRanges": ["10.244.0.0/16", "fd00:10:244::/56"], "serviceRanges": ["10.96.0.0/12", "fd00:10:96::/108"]}""", null)]
    public void Ranges_that_leave_out_one_of_a_clusters_two_families_are_told(string spec, string? reason)
    {
        JsonObject[] configs = [new JsonObject { ["metadata"] = new JsonObject { ["name"] = "mesh" }, ["spec"] = JsonNode.Parse(spec) }];
        // No podCIDRs: most networks that have two families hand out addresses by themselves.
        JsonObject[] pods =
        [
            JsonNode.Parse("""{"spec": {}, "status": {"podIPs": [{"ip": "10.244.1.7"}, {"ip": "fd00:10:244::7"}]}}""")!.AsObject(),
            JsonNode.Parse("""{"spec": {"hostNetwork": true}, "status": {"podIPs": [{"ip": "192.0.2.1"}]}}""")!.AsObject(),
            JsonNode.Parse("""{"spec": {}, "status": {}}""")!.AsObject(),
        ];
        JsonObject[] services =
        [
            JsonNode.Parse("""{"spec": {"clusterIPs": ["10.96.0.2", "fd00:10:96::2"]}}""")!.AsObject(), JsonNode.Parse("""{"spec": {"clusterIPs": ["None"]}}""")!.AsObject(),
        ];
        var result = MeshChecks.Settings(configs, [], pods, services);
        AssertIs(reason is null ? "ok" : "warning", result);
        Assert.Contains(reason ?? "mesh", result.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Pages_of_replicas_are_read_together()
    {
        JsonObject Page(string nodes) => JsonNode.Parse($$"""{"epoch": "e", "version": 7, "nodes": {{nodes}}}""")!.AsObject();
        AssertIs("ok", ControllerPages.JudgeViews([Page("""[{"name": "a", "connected": true, "unackedSeconds": 0.1, "lastNack": null}]"""), Page("[]")]));
        AssertIs("warning", ControllerPages.JudgeViews([Page("[]"), Page("""[{"name": "a", "connected": true, "unackedSeconds": 60}]""")]));
        var refused = ControllerPages.JudgeViews([Page("[]"), Page("""[{"name": "a", "connected": true, "lastNack": "bad prefix"}]""")]);
        AssertIs("failed", refused);
        Assert.Contains("a (bad prefix)", refused.Detail, StringComparison.Ordinal);
        AssertIs("warning", ControllerPages.JudgeWarnings(JsonNode.Parse("""{"faults": ["x"], "warnings": [], "ignoredKinds": []}""")!.AsObject()));
    }

    [Fact]
    public void A_rollout_says_what_it_waits_for_and_why()
    {
        var set = JsonNode.Parse("""{"kind": "DaemonSet", "metadata": {"generation": 2}, "spec": {}, "status": {"observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 1}}""")!.AsObject();
        Assert.Equal("1 of 3 nodes have a pod that is ready", Rollout.LackOf(set));
        set["status"]!["numberAvailable"] = 3;
        Assert.Equal("", Rollout.LackOf(set));
        set["metadata"]!["generation"] = 3;
        Assert.Equal("the change has not been looked at yet", Rollout.LackOf(set));
        var pod = JsonNode.Parse("""{"status": {"containerStatuses": [{"name": "node", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]}}""")!.AsObject();
        Assert.Equal("node: ErrImagePull no such image", Rollout.LackOfPod(pod));
        Assert.Contains("Load the image", Rollout.MendOf(Rollout.LackOfPod(pod)), StringComparison.Ordinal);
    }

    private static JsonObject Node(string name, string kernel, string kubelet) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = name },
        ["spec"] = new JsonObject { ["podCIDRs"] = new JsonArray("10.244.1.0/24") },
        ["status"] = new JsonObject { ["nodeInfo"] = new JsonObject { ["kernelVersion"] = kernel, ["kubeletVersion"] = kubelet, ["operatingSystem"] = "linux" } },
    };

    private static JsonObject Established(JsonObject definition)
    {
        definition["status"] = JsonNode.Parse("""{"conditions": [{"type": "Established", "status": "True"}]}""");
        return definition;
    }

    private static void AssertMend(string? mend, IEnumerable<CheckResult> results)
    {
        var failed = results.Where(result => result.Outcome == CheckOutcome.Failed).ToList();
        if (mend is null) Assert.Empty(failed);
        else Assert.Contains(mend, Assert.Single(failed).Mend, StringComparison.Ordinal);
    }

    private static void AssertIs(string outcome, CheckResult result)
    {
        Assert.Equal(outcome, result.Outcome.ToString().ToLowerInvariant());
        Assert.Equal(outcome == "ok", result.Mend.Length == 0);
    }
}
