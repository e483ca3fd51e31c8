using System.Globalization;
using System.Text.Json.Nodes;
using Ambient.Cli.Check;
using Ambient.Cli.Check.Cluster;
using Ambient.Cli.Cluster;
using Ambient.Cli.Deploy;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>
/// <c>ambientctl install</c>, <c>check --cluster</c> and <c>uninstall</c> with a server of the test's own: the last takes every namespace out
/// of the mesh, which other tests would not like. The test plays the controllers that a server alone does not have.
/// </summary>
public sealed class InstallTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly StringWriter _said = new(CultureInfo.InvariantCulture);
    private ApiServer _server = null!;
    private ClusterClient _cluster = null!;

    private static IReadOnlyList<JsonObject> Objects => [.. YamlTree.Read(Chart.Whole(Chart.Defaults, "")).Cast<JsonObject>()];

    public async ValueTask InitializeAsync()
    {
        _server = await ApiServer.StartFakeAsync();
        _cluster = ClusterClient.Open(_server.KubeconfigPath, null);
        await _server.ApplyAsync("""
            apiVersion: v1
            kind: Node
            metadata: {name: n1, labels: {kubernetes.io/os: linux}}
            spec: {podCIDRs: [10.244.1.0/24]}
            status: {nodeInfo: {kernelVersion: 6.1.0, kubeletVersion: v1.30.0, operatingSystem: linux}}
            ---
            apiVersion: v1
            kind: Namespace
            metadata: {name: shop, labels: {ambient.mesh/enroll: "true"}}
            ---
            apiVersion: v1
            kind: Namespace
            metadata: {name: other}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: single, namespace: other, labels: {ambient.mesh/enroll: "true", app: x}}
            spec: {nodeName: n1, containers: [{name: c, image: i}]}
            """);
    }

    public async ValueTask DisposeAsync()
    {
        _cluster.Dispose();
        await _server.DisposeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(_said.ToString());
    }

    [Fact]
    public async Task Everything_is_applied_and_waited_for_and_a_second_time_changes_nothing()
    {
        var installer = new Installer(_cluster, TimeProvider.System, _said);
        await ApplyAsync(installer);
        foreach (var item in Objects)
        {
            var found = await _cluster.GetAsync(await _cluster.PathAsync(item));
            Assert.Contains(found["metadata"]!["managedFields"]!.AsArray(), f => (string?)f!["manager"] == "ambientctl" && (string?)f["operation"] == "Apply");
        }
        var unready = await Assert.ThrowsAsync<DeployException>(() => installer.WaitAsync(Objects, TimeSpan.Zero));
        Assert.Contains("DaemonSet ambient-node", unready.Message, StringComparison.Ordinal);

        var waiting = installer.WaitAsync(Objects, Patience);
        await PlayControllersAsync();
        await waiting;

        var before = await SpecsAsync();
        await installer.ApplyAsync(Objects, isForced: false);
        Assert.Equal(before, await SpecsAsync());
    }

    [Fact]
    public async Task What_somebody_else_has_set_is_not_overwritten_unless_it_is_asked_for()
    {
        var installer = new Installer(_cluster, TimeProvider.System, _said);
        await ApplyAsync(installer);
        await _server.ApplyAsync("""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: ambient-controller, namespace: ambient-system}
            spec: {replicas: 5}
            """);
        var refused = await Assert.ThrowsAsync<DeployException>(() => installer.ApplyAsync(Objects, isForced: false));
        Assert.Contains("ambient-tests", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--force-conflicts", refused.Message, StringComparison.Ordinal);
        await installer.ApplyAsync(Objects, isForced: true);
        Assert.Equal(2, (int)(await _cluster.GetAsync("/apis/apps/v1/namespaces/ambient-system/deployments/ambient-controller"))["spec"]!["replicas"]!);
    }

    [Fact]
    public async Task A_check_names_what_is_missing_and_is_content_when_nothing_is()
    {
        Assert.Contains((await CheckAsync()).Checks, c => c.Name == "installation" && c.Outcome == CheckOutcome.Ok);
        await ApplyAsync(new Installer(_cluster, TimeProvider.System, _said));
        var early = await CheckAsync();
        Assert.Equal(1, early.ExitStatus);
        Assert.Contains(early.Checks, c => c.Name == "workloads" && c.Outcome == CheckOutcome.Failed);
        Assert.Contains(early.Checks, c => c.Name == "node n1" && c.Detail.Contains("never been connected", StringComparison.Ordinal));
        Assert.Contains(early.Checks, c => c.Name == "settings" && c.Mend.Contains("10.244.1.0/24", StringComparison.Ordinal));

        await PlayControllersAsync();
        await _server.ApplyAsync("""
            apiVersion: ambient.mesh/v1alpha1
            kind: MeshConfig
            metadata: {name: mesh}
            spec: {podRanges: [10.244.0.0/16], serviceRanges: [10.96.0.0/12]}
            """);
        await ReportAsync(phase: "Captured");
        var late = await CheckAsync();
        Assert.DoesNotContain(late.Checks, c => c.Outcome == CheckOutcome.Failed);
        Assert.Contains(late.Checks, c => c.Name == "node readiness" && c.Outcome == CheckOutcome.Ok);
        // No pod runs here: nobody to ask for the pages, and it says so.
        Assert.Contains(late.Checks, c => c.Name == "controller's pages" && c.Outcome == CheckOutcome.Unknown && c.Mend.Contains("port-forward", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Uninstalling_takes_pods_out_first_goes_no_further_while_one_is_captured_and_leaves_policies_and_keys()
    {
        await ApplyAsync(new Installer(_cluster, TimeProvider.System, _said));
        await ReportAsync(phase: "Captured");
        var uninstaller = new Uninstaller(_cluster, TimeProvider.System, _said);

        await uninstaller.WithdrawAsync();
        Assert.Null((await _cluster.GetAsync("/api/v1/namespaces/shop"))["metadata"]!["labels"]?["ambient.mesh/enroll"]);
        var pod = (await _cluster.GetAsync("/api/v1/namespaces/other/pods/single"))["metadata"]!["labels"]!;
        Assert.Null(pod["ambient.mesh/enroll"]);
        Assert.Equal("x", (string?)pod["app"]);

        var held = await Assert.ThrowsAsync<DeployException>(() => uninstaller.AwaitReleaseAsync(TimeSpan.Zero, isForced: false));
        Assert.Contains("node n1: 1 pods", held.Message, StringComparison.Ordinal);
        await ReportAsync(phase: "Released");
        await uninstaller.AwaitReleaseAsync(Patience, isForced: false);

        var removing = uninstaller.RemovePluginAsync(Patience);
        var path = $"/api/v1/namespaces/ambient-system/pods/{RemovalPod.NameFor("n1")}";
        Assert.True(await Eventually.TrueAsync(async () => await _cluster.FindAsync(path) is not null));
        // A Redirector that lives would chain the plugin in again.
        Assert.Null(await _cluster.FindAsync("/apis/apps/v1/namespaces/ambient-system/daemonsets/ambient-redirector"));
        var remover = (await _cluster.GetAsync(path))["spec"]!;
        Assert.Equal("n1", (string?)remover["nodeName"]);
        Assert.Equal(["/usr/bin/ambient-cni", "uninstall"], remover["containers"]![0]!["command"]!.AsArray().Select(c => (string)c!));
        Assert.Equal(["ALL"], remover["containers"]![0]!["securityContext"]!["capabilities"]!["drop"]!.AsArray().Select(c => (string)c!));
        Assert.Null(remover["hostPID"]);
        await PatchStatusAsync(path, new JsonObject { ["phase"] = "Succeeded" });
        Assert.Empty(await removing);
        Assert.Null(await _cluster.FindAsync(path));

        await uninstaller.DeleteAsync(Objects, withDefinitions: false, withKeys: false);
        foreach (var item in Objects)
        {
            var stays = (string?)item["kind"] is "CustomResourceDefinition" or "Namespace";
            Assert.Equal(stays, await _cluster.FindAsync(await _cluster.PathAsync(item)) is not null);
        }
        // Status of a mesh that is no more would go on saying that its nodes are connected.
        Assert.Empty(await _cluster.ListAsync("/apis/ambient.mesh/v1alpha1/meshnodes"));
        await uninstaller.DeleteAsync(Objects, withDefinitions: true, withKeys: true);
        Assert.Null(await _cluster.FindAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/accesspolicies.ambient.mesh"));
    }

    // The fake serves a definition at once and says so by no condition.
    private async Task ApplyAsync(Installer installer)
    {
        var applying = installer.ApplyAsync(Objects, isForced: false);
        foreach (var name in (string[])["accesspolicies", "meshconfigs", "meshnodes"])
        {
            var path = $"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}.ambient.mesh";
            Assert.True(await Eventually.TrueAsync(async () => applying.IsFaulted || await _cluster.FindAsync(path) is not null));
            if (!applying.IsFaulted) await PatchStatusAsync(path, JsonNode.Parse("""{"conditions": [{"type": "Established", "status": "True"}]}""")!.AsObject());
        }
        await applying;
    }

    private async Task PlayControllersAsync()
    {
        foreach (var item in Objects.Where(o => (string?)o["kind"] is "Deployment" or "DaemonSet"))
        {
            var path = await _cluster.PathAsync(item);
            var generation = (await _cluster.GetAsync(path))["metadata"]!["generation"]?.DeepClone() ?? 1;
            await PatchStatusAsync(path, (string?)item["kind"] == "DaemonSet"
                ? new JsonObject { ["observedGeneration"] = generation, ["desiredNumberScheduled"] = 1, ["updatedNumberScheduled"] = 1, ["numberAvailable"] = 1 }
                : new JsonObject { ["observedGeneration"] = generation, ["replicas"] = 2, ["updatedReplicas"] = 2, ["availableReplicas"] = 2 });
        }
    }

    private async Task ReportAsync(string phase) => await _server.ApplyAsync($$"""
        apiVersion: ambient.mesh/v1alpha1
        kind: MeshNode
        metadata: {name: n1}
        status: {replica: c-1, stream: 1, connected: true, health: {state: Ready, reason: ""}, pods: [{uid: u1, phase: {{phase}}, reason: "", enrolled: true}]}
        """);

    private Task PatchStatusAsync(string path, JsonObject status) => _server.MergePatchAsync($"{path}/status", new JsonObject { ["status"] = status }.ToJsonString());

    private async Task<string> SpecsAsync() =>
        string.Join('\n', await Task.WhenAll(Objects.Select(async item => $"{(await _cluster.GetAsync(await _cluster.PathAsync(item)))["spec"]?.ToJsonString()}")));

    private Task<CheckReport> CheckAsync() => ClusterCheck.RunAsync(_cluster, null, TimeProvider.System);
}
