using System.Globalization;
using System.Text.Json.Nodes;
using Ambient.Cli.Deploy;
using Ambient.Controller.Authority;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Replicas;
using k8s;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary><c>ambientctl uninstall</c>: the order in which nobody notices, each step by itself and all of it by the program.</summary>
public sealed class UninstallTests
{
    private const string Home = "/api/v1/namespaces/ambient-system", Redirector = "/apis/apps/v1/namespaces/ambient-system/daemonsets/ambient-redirector";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_takes_pods_out_first_goes_no_further_while_one_is_captured_and_leaves_policies_and_keys()
    {
        await using var cluster = await OwnCluster.StartAsync();
        await cluster.InstallAsync();
        await cluster.ReportAsync(phase: "Captured");

        await cluster.Uninstaller.WithdrawAsync();
        Assert.Null((await cluster.Client.GetAsync("/api/v1/namespaces/shop"))["metadata"]!["labels"]?["ambient.mesh/enroll"]);
        var pod = (await cluster.Client.GetAsync("/api/v1/namespaces/other/pods/single"))["metadata"]!["labels"]!;
        Assert.Null(pod["ambient.mesh/enroll"]);
        Assert.Equal("x", (string?)pod["app"]);

        var held = await Assert.ThrowsAsync<DeployException>(() => cluster.Uninstaller.AwaitReleaseAsync(TimeSpan.Zero, isForced: false));
        Assert.Contains("node n1: 1 pods", held.Message, StringComparison.Ordinal);
        await cluster.ReportAsync(phase: "Released");
        await cluster.Uninstaller.AwaitReleaseAsync(Patience, isForced: false);

        var removing = cluster.Uninstaller.RemovePluginAsync(Patience);
        var remover = (await cluster.PlayRemovalAsync())["spec"]!;
        // A Redirector that lives would chain the plugin in again.
        Assert.Null(await cluster.Client.FindAsync(Redirector));
        Assert.Equal("n1", (string?)remover["nodeName"]);
        Assert.Equal(["/usr/bin/ambient-cni", "uninstall"], remover["containers"]![0]!["command"]!.AsArray().Select(c => (string)c!));
        Assert.Equal(["ALL"], remover["containers"]![0]!["securityContext"]!["capabilities"]!["drop"]!.AsArray().Select(c => (string)c!));
        Assert.Null(remover["hostPID"]);
        Assert.Empty(await removing);
        Assert.Null(await cluster.Client.FindAsync(OwnCluster.RemovalPath));

        await cluster.Uninstaller.DeleteAsync(OwnCluster.Objects, withDefinitions: false, withKeys: false);
        foreach (var item in OwnCluster.Objects)
        {
            var stays = (string?)item["kind"] is "CustomResourceDefinition" or "Namespace";
            Assert.Equal(stays, await cluster.Client.FindAsync(await cluster.Client.PathAsync(item)) is not null);
        }
        // Status of a mesh that is no more would go on saying that its nodes are connected.
        Assert.Empty(await cluster.Client.ListAsync("/apis/ambient.mesh/v1alpha1/meshnodes"));

        await cluster.Uninstaller.DeleteAsync(OwnCluster.Objects, withDefinitions: true, withKeys: true);
        // What is in them goes first, in the server's own time; of a namespace the controller for that, which does not run here.
        Assert.NotNull((await cluster.Client.GetAsync(Home))["metadata"]!["deletionTimestamp"]);
        foreach (var plural in (string[])["accesspolicies", "meshconfigs", "meshnodes"])
        {
            var path = $"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.ambient.mesh";
            Assert.True(await Eventually.TrueAsync(async () => await cluster.Client.FindAsync(path) is null), $"{plural} are still defined");
        }
    }

    [Fact]
    public async Task The_program_stops_where_a_pod_stays_captured_and_everything_that_serves_it_is_still_there()
    {
        await using var cluster = await OwnCluster.StartAsync();
        await cluster.InstallAsync();
        await cluster.ReportAsync(phase: "Unproved");

        var (status, said) = await Ambientctl.RunAsync("uninstall", "--timeout", "1", "--crds", "--keys", "--kubeconfig", cluster.Server.KubeconfigPath);

        Assert.True(status == 1, said);
        Assert.Contains("node n1: 1 pods, u1 for one (Unproved)", said, StringComparison.Ordinal);
        foreach (var item in OwnCluster.Objects)
            Assert.NotNull(await cluster.Client.FindAsync(await cluster.Client.PathAsync(item)));
    }

    // A real controller with the manifest's own rights, a node that does as it is ordered, and the revisions of the server as the witness.
    [Fact]
    public async Task The_program_empties_the_orders_waits_until_nodes_let_go_ends_Redirector_removes_the_plugin_and_only_then_the_rest()
    {
        await using var cluster = await OwnCluster.StartAsync();
        var server = cluster.Server;
        await cluster.InstallAsync();
        await using var line = server.OpenLine(await server.TokenAsync("ambient-system", "ambient-controller"));
        await using var controller = await ControllerProcess.StartAsync(line.KubeconfigPath, "ambient-system");
        await server.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: web, namespace: shop}
            spec: {nodeName: n1, serviceAccountName: default, containers: [{name: app, image: none}]}
            status: {phase: Running, podIP: 10.244.1.7, podIPs: [{ip: 10.244.1.7}]}
            """);
        using var folder = new TemporaryFolder();
        await using var node = await ConnectAsync(server, controller, folder);
        Assert.True(await Eventually.TrueAsync(async () => await PhasesAsync(cluster) is ["Captured"]), string.Join('\n', controller.Log));
        var since = (string)(await cluster.Client.GetAsync("/api/v1/namespaces?limit=1"))["metadata"]!["resourceVersion"]!;

        var uninstalling = Ambientctl.RunAsync("uninstall", "--timeout", "60", "--kubeconfig", server.KubeconfigPath);
        await Task.WhenAny(cluster.PlayRemovalAsync(), uninstalling);
        var (status, said) = await uninstalling;

        Assert.True(status == 0, said);
        Assert.Equal(0, node.CapturedPods);   // it lets go of what an order leaves out, and of nothing else
        var (namespaces, meshNodes, sets, deployments, accounts, pods) = (await EventsAsync("/api/v1/namespaces"), await EventsAsync("/apis/ambient.mesh/v1alpha1/meshnodes"),
            await EventsAsync("/apis/apps/v1/namespaces/ambient-system/daemonsets"), await EventsAsync("/apis/apps/v1/namespaces/ambient-system/deployments"),
            await EventsAsync($"{Home}/serviceaccounts"), await EventsAsync($"{Home}/pods"));
        (string What, long Revision)[] steps =
        [
            ("the label goes", Revision(namespaces, "MODIFIED", "shop")),
            ("n1 has let go", meshNodes.First(e => e.Type == "MODIFIED" && !IsCapturing(e.Object)).Revision),
            ("Redirector ends", Revision(sets, "DELETED", "ambient-redirector")),
            ("the plugin is taken out", Revision(pods, "ADDED", RemovalPod.NameFor("n1"))),
            ("and the pod that did it", Revision(pods, "DELETED", RemovalPod.NameFor("n1"))),
            ("NodeProxy ends", Revision(sets, "DELETED", "ambient-node")),
            ("the controller ends", Revision(deployments, "DELETED", "ambient-controller")),
            ("its account goes", Revision(accounts, "DELETED", "ambient-controller")),
            ("what it wrote goes", meshNodes.First(e => e.Type == "DELETED").Revision),
        ];
        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', steps.Select(step => $"{step.Revision}: {step.What}")));
        Assert.Equal(steps.Select(step => step.What), steps.OrderBy(step => step.Revision).Select(step => step.What));
        foreach (var item in OwnCluster.Objects)
            Assert.Equal((string?)item["kind"] is "CustomResourceDefinition" or "Namespace", await cluster.Client.FindAsync(await cluster.Client.PathAsync(item)) is not null);

        async Task<List<(string Type, JsonObject Object, long Revision)>> EventsAsync(string path) =>
            [.. (await server.Http.GetStringAsync($"{path}?watch=true&timeoutSeconds=1&resourceVersion={since}")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(l => JsonNode.Parse(l)!).Select(e => ((string)e["type"]!, e["object"]!.AsObject(), long.Parse((string)e["object"]!["metadata"]!["resourceVersion"]!, CultureInfo.InvariantCulture)))];

        static long Revision(List<(string Type, JsonObject Object, long Revision)> events, string type, string name) =>
            events.First(e => e.Type == type && (string?)e.Object["metadata"]!["name"] == name).Revision;
    }

    private static async Task<SimulatedNode> ConnectAsync(ApiServer server, ControllerProcess controller, TemporaryFolder folder)
    {
        await server.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: node-1, namespace: ambient-system}
            spec: {nodeName: n1, serviceAccountName: ambient-node, containers: [{name: node, image: none}]}
            """);
        var trust = (await server.Admin.CoreV1.ReadNamespacedConfigMapAsync("ambient-trust", "ambient-system")).Data;
        var token = await server.TokenAsync("ambient-system", TokenReviewDesk.Account, TokenReviewDesk.Audience, "node-1");
        return new SimulatedNode("n1", controller.EndPoint, folder.Write("roots.pem", trust["roots.pem"]), folder.Write("token", token), trust["order-key.pem"], _ => false);
    }

    private static async Task<List<string>> PhasesAsync(OwnCluster cluster) =>
        [.. ((await cluster.Client.FindAsync("/apis/ambient.mesh/v1alpha1/meshnodes/n1"))?["status"]?["pods"]?.AsArray() ?? []).Select(pod => (string)pod!["phase"]!)];

    private static bool IsCapturing(JsonObject node) => (node["status"]?["pods"]?.AsArray() ?? []).Any(pod => (string?)pod!["phase"] is "Preparing" or "Captured" or "Unproved" or "Quiet");
}
