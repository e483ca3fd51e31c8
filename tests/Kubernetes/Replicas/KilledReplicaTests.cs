using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Cli.Lab;
using Ambient.Controller.Authority;
using Ambient.Controller.Replicas;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;
using Ambient.Tests.Kubernetes.Cluster;
using k8s;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>Real controllers, as processes, on a cluster: one is killed, and the roots are replaced, while nodes are connected.</summary>
[Collection(nameof(WholeCluster))]
public sealed class KilledReplicaTests(ApiServer server)
{
    private const int Nodes = 4, Pods = 24, ChangesPerSecond = 10;
    private static readonly TimeSpan Churn = TimeSpan.FromSeconds(12);

    [Fact]
    public async Task Killing_a_replica_under_churn_costs_its_nodes_a_reconnect_and_no_pod_is_told_as_less_than_it_is()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        await using var first = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        await using var second = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        await using var service = new ServiceAddress(first.EndPoint, second.EndPoint);
        var there = new ConcurrentDictionary<string, string>(); // UID to name
        await using var nodes = await ConnectAsync(mesh, service, there.ContainsKey);
        var ns = await server.CreateNamespaceAsync("shop", ("ambient.mesh/enroll", "true"));
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage($"seed {seed}");
        var random = new Random(seed);
        var count = 0;
        for (; count < Pods; count++)
            await AddAsync();
        await AllEnrolledAsync();

        var (watch, changes, isKilled) = (Stopwatch.StartNew(), 0, false);
        var (victim, survivor) = first.Log.Any(l => l.Contains("writes status")) ? (first, second) : (second, first);
        var epoch = (string)(await NodesPageAsync(survivor))["epoch"]!;
        var moving = 0;
        var moved = Task.FromResult(TimeSpan.Zero);
        while (watch.Elapsed < Churn)
        {
            if (!isKilled && watch.Elapsed > Churn / 3)
            {
                isKilled = true;
                moving = nodes.All.Count(n => n.Views.Current.Epoch != epoch);
                await victim.KillAsync();
                service.LeadTo(survivor.EndPoint);
                var since = Stopwatch.StartNew();
                moved = Task.Run(async () =>
                {
                    Assert.True(await Eventually.TrueAsync(() => nodes.All.All(n => n.Views.Current.Epoch == epoch)), "not all nodes have the survivor's view");
                    return since.Elapsed;
                });
            }
            if (random.Next(2) == 0 || there.Count < Pods / 2)
                await AddAsync();
            else
                await RemoveAsync();
            changes++;
            var due = TimeSpan.FromSeconds((double)changes / ChangesPerSecond);
            if (due > watch.Elapsed)
                await Task.Delay(due - watch.Elapsed);
        }
        await AllEnrolledAsync();
        TestContext.Current.SendDiagnosticMessage($"{changes} changes; {moving} of {Nodes} nodes had the other replica's view {(await moved).TotalMilliseconds:0} ms after the kill");
        Assert.True(moving > 0, "the one that was killed served nobody");
        Assert.Empty(nodes.All.SelectMany(n => n.Faults));
        Assert.All(nodes.All, n => Assert.Equal(there.Keys.Order(), n.Views.Current.Workloads.Where(w => w.Namespace == ns).Select(w => w.Uid).Order()));

        async Task AddAsync()
        {
            var (name, node) = ($"pod-{++count}", nodes.All[random.Next(Nodes)].Name);
            there[await AddPodAsync(ns, name, node, $"10.77.{count / 250}.{(count % 250) + 1}")] = name;
        }

        async Task RemoveAsync()
        {
            var (uid, name) = there.ElementAt(random.Next(there.Count));
            there.TryRemove(uid, out _);
            await server.DeleteAsync("v1", "Pod", ns, name);
        }

        async Task AllEnrolledAsync() => Assert.True(await Eventually.TrueAsync(() => nodes.All.All(n => there.Keys.All(uid => n.StateOf(uid) == Enrolment.Enrolled)), TimeSpan.FromSeconds(30)),
            string.Join('\n', nodes.All.SelectMany(n => there.Where(t => n.StateOf(t.Key) != Enrolment.Enrolled).Select(t => $"{n.Name}: {t.Value} is {n.StateOf(t.Key)}; {n.Stream.LastFailure}")))
            + "\n" + string.Join('\n', first.Log.TakeLast(20).Concat(second.Log.TakeLast(20))));
    }

    [Fact]
    public async Task Nodes_of_a_replica_that_is_killed_go_on_at_the_other_from_what_they_hold()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        await using var first = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        await using var second = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        await using var service = new ServiceAddress(first.EndPoint, second.EndPoint);
        var there = new ConcurrentDictionary<string, string>();
        await using var nodes = await ConnectAsync(mesh, service, there.ContainsKey);
        var ns = await server.CreateNamespaceAsync("shop", ("ambient.mesh/enroll", "true"));
        for (var i = 1; i <= Pods; i++)
            await AddAsync(i);
        await EnrolledAsync();
        var (of, with) = (await StreamsAsync(first), await StreamsAsync(second));
        var (victim, survivor, moving) = of >= with ? (first, second, of) : (second, first, with);
        Assert.True(moving > 0, "neither serves anybody");
        // What the two say is the same once nothing is under way.
        await Task.Delay(TimeSpan.FromSeconds(2));
        var full = await FullAsync(survivor);
        Assert.True(full + await FullAsync(victim) >= Nodes, "nobody was sent a first view");

        await victim.KillAsync();
        service.LeadTo(survivor.EndPoint);
        Assert.True(await Eventually.TrueAsync(async () => await StreamsAsync(survivor) == Nodes), string.Join('\n', nodes.All.Select(n => n.Stream.LastFailure)));
        await AddAsync(Pods + 1);
        await EnrolledAsync();

        Assert.Equal(full, await FullAsync(survivor));
        Assert.Empty(nodes.All.SelectMany(n => n.Faults));

        async Task AddAsync(int i) => there[await AddPodAsync(ns, $"pod-{i}", nodes.All[i % Nodes].Name, $"10.79.0.{i}")] = $"pod-{i}";

        async Task EnrolledAsync() => Assert.True(await Eventually.TrueAsync(() => nodes.All.All(n => there.Keys.All(uid => n.StateOf(uid) == Enrolment.Enrolled)), TimeSpan.FromSeconds(30)),
            string.Join('\n', nodes.All.Select(n => n.Stream.LastFailure)));

        static Task<double> StreamsAsync(ControllerProcess controller) => MetricAsync(controller, "ambient_controller_nodes_connected");

        static Task<double> FullAsync(ControllerProcess controller) => MetricAsync(controller, "ambient_controller_deltas_sent_total", "full");
    }

    [Fact]
    public async Task The_Lease_of_a_writer_that_was_killed_passes_on_within_its_duration()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        await using var first = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        await WritesAsync(first);
        await using var second = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        Assert.True((bool)(await ReplicaAsync(first))!["isWriter"]!);
        Assert.False((bool)(await ReplicaAsync(second))!["isWriter"]!);

        var watch = Stopwatch.StartNew();
        await first.KillAsync();
        await WritesAsync(second);
        var bound = LeaseElector.LeaseDuration + LeaseElector.RetryPeriod;
        TestContext.Current.SendDiagnosticMessage($"passed on after {watch.Elapsed.TotalSeconds:0.0} s (bound {bound.TotalSeconds} s)");
        Assert.True(watch.Elapsed < bound * 10);
        var lease = await server.Admin.CoordinationV1.ReadNamespacedLeaseAsync("ambient-controller", mesh.Namespace);
        Assert.Equal(((string)(await ReplicaAsync(second))!["name"]!, 1), (lease.Spec.HolderIdentity, lease.Spec.LeaseTransitions));

        static async Task WritesAsync(ControllerProcess controller) => Assert.True(
            await Eventually.TrueAsync(() => controller.Log.Any(l => l.Contains("writes status and trust bundles")), TimeSpan.FromMinutes(2)), string.Join('\n', controller.Log));

        static async Task<JsonNode?> ReplicaAsync(ControllerProcess controller) => (await NodesPageAsync(controller))["replica"];
    }

    [Fact]
    public async Task A_root_is_replaced_step_by_step_while_nodes_of_both_replicas_stay_connected()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        await using var first = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        await using var second = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        await using var service = new ServiceAddress(first.EndPoint, second.EndPoint);
        await using var nodes = await ConnectAsync(mesh, service, _ => false);
        var ns = await server.CreateNamespaceAsync("shop", ("ambient.mesh/enroll", "true"));
        foreach (var node in nodes.All)
            await AddPodAsync(ns, $"on-{node.Name}", node.Name, $"10.78.0.{nodes.All.IndexOf(node) + 1}");
        var id = SpiffeId.Of("cluster.local", ns, "default");
        await EventuallyAsync(n => n.Identities.Find(id) is { TrustBundle.Length: 1 }, "no first certificate");
        var epochs = nodes.All.Sum(n => n.Epochs.Count);

        var early = await StepAsync("switch");
        Assert.Equal((1, true), (early.Status, early.Said.Contains("`root add` comes first")));
        Assert.Equal(0, (await StepAsync("add")).Status);
        await EventuallyAsync(n => n.Identities.Find(id) is { TrustBundle.Length: 2 }, "the next root does not arrive");
        Assert.Contains("--now", (await StepAsync("switch")).Said);
        Assert.Equal(0, (await StepAsync("switch", "--now")).Status);
        Assert.Equal(0, (await StepAsync("retire", "--now")).Status);
        await EventuallyAsync(n => n.Identities.Find(id) is { TrustBundle.Length: 1 }, "the old root is not retired");
        Assert.Equal(epochs, nodes.All.Sum(n => n.Epochs.Count));
        Assert.Empty(nodes.All.SelectMany(n => n.Faults));
        var secret = await mesh.SecretAsync("ambient-ca");
        Assert.Equal(["ca.crt", "tls.crt", "tls.key"], secret.Data.Keys.Order());

        Task<(int Status, string Said)> StepAsync(params string[] step) =>
            ControllerProcess.RunAsync(["root", .. step, "--source", "kubernetes", "--kubeconfig", server.KubeconfigPath, "--namespace", mesh.Namespace]);

        async Task EventuallyAsync(Func<SimulatedNode, bool> holds, string otherwise) =>
            Assert.True(await Eventually.TrueAsync(() => nodes.All.All(holds), TimeSpan.FromSeconds(30)), $"{otherwise}\n{string.Join('\n', first.Log.TakeLast(15).Concat(second.Log.TakeLast(15)))}");
    }

    /// <returns>Its UID.</returns>
    private async Task<string> AddPodAsync(string ns, string name, string node, string address)
    {
        var made = (await server.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: { name: {{name}}, namespace: {{ns}} }
            spec: { nodeName: {{node}}, serviceAccountName: default, containers: [ { name: app, image: none } ] }
            status: { phase: Running, podIP: {{address}}, podIPs: [ { ip: {{address}} } ] }
            """)).Single();
        return (string)made["metadata"]!["uid"]!;
    }

    private static async Task<double> MetricAsync(ControllerProcess controller, string name, string? form = null)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{controller.Admin}") };
        return MetricsPage.Parse(await http.GetStringAsync("/metrics")).Of(name).Where(sample => form is null || sample.Labels["form"] == form).Sum(sample => sample.Value);
    }

    private static async Task<JsonObject> NodesPageAsync(ControllerProcess controller)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{controller.Admin}") };
        return (await http.GetFromJsonAsync<JsonObject>("/v1/nodes"))!;
    }

    private Task<ConnectedNodes> ConnectAsync(MeshCluster mesh, ServiceAddress service, Func<string, bool> isThere) =>
        ConnectedNodes.ConnectAsync(server, mesh, service.EndPoint, Nodes, isThere);
}
