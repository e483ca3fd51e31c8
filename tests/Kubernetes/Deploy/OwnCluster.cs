using System.Globalization;
using System.Text.Json.Nodes;
using Ambient.Cli.Check;
using Ambient.Cli.Check.Cluster;
using Ambient.Cli.Cluster;
using Ambient.Cli.Deploy;
using Ambient.Tests.Kubernetes.Cluster;

namespace Ambient.Tests.Kubernetes.Deploy;

/// <summary>
/// A cluster of a test's own, to install the mesh into and to take it out of: uninstalling takes every namespace out of the mesh, which other
/// tests would not like. It has one node, n1, the enrolled namespace shop, and one enrolled pod in the namespace other. Of what a server alone
/// does not have (scheduler, kubelet, the controllers of workloads) the test plays as much as it needs.
/// </summary>
internal sealed class OwnCluster : IAsyncDisposable
{
    // Admission policies v1, CEL rules, appArmorProfile: what the manifest says it needs.
    private const int LeastMinor = 30;

    private readonly StringWriter _said = new(CultureInfo.InvariantCulture);

    private OwnCluster(ApiServer server)
    {
        Server = server;
        Client = ClusterClient.Open(server.KubeconfigPath, null);
        Installer = new Installer(Client, TimeProvider.System, _said);
        Uninstaller = new Uninstaller(Client, TimeProvider.System, _said);
    }

    /// <summary>What the manifest has.</summary>
    internal static IReadOnlyList<JsonObject> Objects => [.. YamlTree.Read(Chart.Whole(Chart.Defaults, "")).Cast<JsonObject>()];

    internal ApiServer Server { get; }

    internal ClusterClient Client { get; }

    internal Installer Installer { get; }

    internal Uninstaller Uninstaller { get; }

    /// <summary>Starts it. Skips the test where the server to be started is older than the manifest needs.</summary>
    internal static async Task<OwnCluster> StartAsync()
    {
        var cluster = new OwnCluster(await ApiServer.StartOwnAsync());
        try
        {
            cluster.Server.RequireVersion(LeastMinor, "the manifest");
            await cluster.Server.ApplyAsync("""
                apiVersion: v1
                kind: Node
                metadata: {name: n1, labels: {kubernetes.io/os: linux}}
                spec: {podCIDR: 10.244.1.0/24, podCIDRs: [10.244.1.0/24]}
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
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    internal Task InstallAsync() => Installer.ApplyAsync(Objects, isForced: false);

    /// <summary>The specs of all objects of the manifest as they are in the cluster.</summary>
    internal async Task<string> SpecsAsync() =>
        string.Join('\n', await Task.WhenAll(Objects.Select(async item => $"{(await Client.GetAsync(await Client.PathAsync(item)))["spec"]?.ToJsonString()}")));

    internal Task<CheckReport> CheckAsync() => ClusterCheck.RunAsync(Client, null, TimeProvider.System);

    /// <summary>The controllers of Deployments and DaemonSets, where all goes well.</summary>
    internal async Task PlayControllersAsync()
    {
        foreach (var item in Objects.Where(o => (string?)o["kind"] is "Deployment" or "DaemonSet"))
        {
            var path = await Client.PathAsync(item);
            var generation = (await Client.GetAsync(path))["metadata"]!["generation"]?.DeepClone() ?? 1;
            await PatchStatusAsync(path, (string?)item["kind"] == "DaemonSet"
                ? new JsonObject { ["observedGeneration"] = generation, ["desiredNumberScheduled"] = 1, ["updatedNumberScheduled"] = 1, ["numberAvailable"] = 1 }
                : new JsonObject { ["observedGeneration"] = generation, ["replicas"] = 2, ["updatedReplicas"] = 2, ["readyReplicas"] = 2, ["availableReplicas"] = 2 });
        }
    }

    /// <summary>The mesh's controller, which has heard of n1 what one of its pods is at.</summary>
    internal async Task ReportAsync(string phase) => await Server.ApplyAsync($$"""
        apiVersion: ambient.mesh/v1alpha1
        kind: MeshNode
        metadata: {name: n1}
        status: {replica: c-1, stream: 1, connected: true, health: {state: Ready, reason: ""}, pods: [{uid: u1, phase: {{phase}}, reason: "", enrolled: true}]}
        """);

    /// <summary>The node n1 and its kubelet, on which the pod that takes the plugin out runs to its end.</summary>
    /// <returns>The pod, as it was asked for.</returns>
    internal async Task<JsonObject> PlayRemovalAsync()
    {
        var path = RemovalPath;
        Assert.True(await Eventually.TrueAsync(async () => await Client.FindAsync(path) is not null, TimeSpan.FromSeconds(60)), "no pod takes the plugin out of n1");
        var pod = await Client.GetAsync(path);
        await PatchStatusAsync(path, new JsonObject { ["phase"] = "Succeeded" });
        return pod;
    }

    /// <summary>Where the pod is that takes the plugin out of n1.</summary>
    internal static string RemovalPath => $"/api/v1/namespaces/ambient-system/pods/{RemovalPod.NameFor("n1")}";

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Server.DisposeAsync();
        TestContext.Current.TestOutputHelper?.WriteLine(_said.ToString());
    }

    private Task PatchStatusAsync(string path, JsonObject status) => Server.MergePatchAsync($"{path}/status", new JsonObject { ["status"] = status }.ToJsonString());
}
