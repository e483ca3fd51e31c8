using System.Diagnostics;
using Ambient.Controller.Replicas;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Unit.Controller;
using Grpc.Core;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>Two controllers on one cluster know what each other's nodes say.</summary>
public sealed class ReplicaTests(ApiServer server)
{
    [Fact]
    public async Task What_a_node_reports_at_one_replica_is_announced_by_the_other_and_known_to_one_that_starts_later()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var shop = new Shop(server);
        mesh.Write("mesh.yaml", shop.Yaml);
        var (first, second) = (await mesh.StartAsync(), await mesh.StartAsync());
        await using var a = await mesh.ConnectAsync(first, shop.A);
        await using var b = await mesh.ConnectAsync(second, shop.B);
        await b.SettleAsync();
        Assert.Equal(EnrolmentState.Enrolling, b.StateOf(shop.Web));

        var watch = Stopwatch.StartNew();
        await a.ReportAsync(shop.Web, PodPhase.Captured);
        await b.UntilStateAsync(shop.Web, EnrolmentState.Enrolled);
        TestContext.Current.SendDiagnosticMessage($"a report at one replica was at a node of the other after {watch.ElapsedMilliseconds} ms");
        var status = await mesh.StatusOfAsync(shop.A);
        Assert.Equal((true, "boot-1", "test/1", 1), (status!.Connected, status.BootId, status.Software, status.Pods.Count));
        Assert.True(status.OrderVersion > 0);

        var third = await mesh.StartAsync();
        await using var again = await mesh.ConnectAsync(third, shop.B);
        await again.SettleAsync();
        // The very first view has it so.
        Assert.Equal(EnrolmentState.Enrolled, again.Deltas[0].Upserts.Single(r => r.Key == $"workload/{shop.Web}").Workload.Enrolment);
    }

    [Fact]
    public async Task A_stream_that_its_node_left_for_another_replica_ends_and_orders_go_on_rising_though_clocks_differ()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var shop = new Shop(server);
        mesh.Write("mesh.yaml", shop.Yaml);
        var ahead = await mesh.StartAsync();
        var behind = await mesh.StartAsync(time: new ShiftedTime(TimeSpan.FromSeconds(-30)));
        var key = Path.Combine(Path.GetDirectoryName(await mesh.BundleFileAsync())!, "order-key.pem");
        await File.WriteAllTextAsync(key, (await mesh.ConfigMapAsync(mesh.Namespace)).Data["order-key.pem"]);
        await using var before = await mesh.ConnectAsync(ahead, shop.A);
        var ordered = await before.UntilOrderedAsync(key, shop.Web);
        Assert.True(await Eventually.TrueAsync(async () => (await mesh.StatusOfAsync(shop.A))?.OrderVersion > 0), "the order is not written down");

        await using var after = await mesh.ConnectAsync(behind, shop.A);
        var end = await before.EndAsync();
        Assert.Equal((StatusCode.Aborted, true), (end.StatusCode, end.Detail.Contains("a newer stream")));
        var again = await after.UntilOrderedAsync(key, shop.Web);
        // What counts is the last one: a first may have been signed before the other's was known.
        Assert.True(again.Version > ordered.Version || (await after.UntilOrderedAsync(key, shop.Web)).Version > ordered.Version, $"{again.Version} after {ordered.Version}");
    }

    [Fact]
    public async Task A_withdrawal_waits_for_its_full_bound_while_another_replica_serves_nodes_that_are_not_heard_here()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var shop = new Shop(server);
        mesh.Write("mesh.yaml", shop.Yaml);
        var (first, second) = (await mesh.StartAsync(), await mesh.StartAsync());
        var key = Path.Combine(Path.GetDirectoryName(await mesh.BundleFileAsync())!, "order-key.pem");
        await File.WriteAllTextAsync(key, (await mesh.ConfigMapAsync(mesh.Namespace)).Data["order-key.pem"]);
        await using var a = await mesh.ConnectAsync(first, shop.A);
        await using var b = await mesh.ConnectAsync(second, shop.B);
        await a.UntilOrderedAsync(key, shop.Web);
        await a.ReportAsync(shop.Web, PodPhase.Captured);
        await a.UntilStateAsync(shop.Web, EnrolmentState.Enrolled);
        // In the first seconds of a controller no acks count in any case.
        await Task.Delay(Controller.Enrolment.EnrolmentLedger.SettleTime);

        var watch = Stopwatch.StartNew();
        mesh.Write("mesh.yaml", shop.Yaml.Replace("\"true\"", "\"false\""));
        await a.UntilStateAsync(shop.Web, EnrolmentState.Withdrawing);
        var told = watch.Elapsed;
        await a.UntilOrderedAsync(key);
        Assert.True(watch.Elapsed - told > Controller.Enrolment.EnrolmentLedger.AckWait * 0.8, $"only {(watch.Elapsed - told).TotalMilliseconds} ms");
    }

    [Fact]
    public async Task Without_the_kind_of_its_journal_a_controller_serves_all_the_same()
    {
        // Of its own: the kind is everybody's in the shared one.
        await using var own = await ApiServer.StartFakeAsync();
        await using var mesh = await MeshCluster.CreateAsync(own);
        await own.DeleteAsync("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "meshnodes.ambient.mesh");
        var shop = new Shop(own);
        mesh.Write("mesh.yaml", shop.Yaml);
        var controller = await mesh.StartAsync();
        await mesh.LoggedAsync("The cluster has no kind MeshNode");
        await using var a = await mesh.ConnectAsync(controller, shop.A);
        await a.SettleAsync();
        await a.ReportAsync(shop.Web, PodPhase.Captured);
        await a.UntilStateAsync(shop.Web, EnrolmentState.Enrolled);
    }

    [Fact]
    public async Task An_API_that_is_away_holds_a_report_up_for_a_second_and_no_longer()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var shop = new Shop(server);
        mesh.Write("mesh.yaml", shop.Yaml);
        await using var line = server.OpenLine();
        await using var a = await WrittenDownAsync(mesh, shop, line);

        line.Cut();
        var watch = Stopwatch.StartNew();
        await a.ReportAsync(shop.Web, PodPhase.Captured);
        await a.UntilStateAsync(shop.Web, EnrolmentState.Enrolled);
        TestContext.Current.SendDiagnosticMessage($"announced {watch.ElapsedMilliseconds} ms after the report (bound {NodeJournal.WriteAhead.TotalMilliseconds} ms)");
        Assert.True(watch.Elapsed < NodeJournal.WriteAhead * 10);
        line.Restore();
        Assert.True(await Eventually.TrueAsync(async () => (await mesh.StatusOfAsync(shop.A))?.Pods is [{ Enrolled: true }]), "never written down");
    }

    [Fact]
    public async Task An_API_that_hangs_holds_no_later_report_up_for_longer_than_the_first()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var shop = new Shop(server);
        mesh.Write("mesh.yaml", shop.Yaml);
        await using var line = server.OpenLine();
        await using var a = await WrittenDownAsync(mesh, shop, line);

        line.Delay = TimeSpan.FromSeconds(8);   // of each piece, so that a call takes its whole time-out
        await a.ReportAsync(shop.Web, PodPhase.Captured);
        await a.UntilStateAsync(shop.Web, EnrolmentState.Enrolled);
        for (var times = 0; times < 3; times++)
        {
            var watch = Stopwatch.StartNew();
            await a.ReportAsync(shop.Web, PodPhase.Quiet);
            await a.UntilStateAsync(shop.Web, EnrolmentState.Enrolling);
            await a.ReportAsync(shop.Web, PodPhase.Captured);
            await a.UntilStateAsync(shop.Web, EnrolmentState.Enrolled);
            TestContext.Current.SendDiagnosticMessage($"two reports, one after the other, announced {watch.ElapsedMilliseconds} ms later (bound {2 * NodeJournal.WriteAhead.TotalMilliseconds} ms)");
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(8), $"{watch.Elapsed}");
        }
        line.Delay = TimeSpan.Zero;
        line.Break();
        Assert.True(await Eventually.TrueAsync(async () => (await mesh.StatusOfAsync(shop.A))?.Pods is [{ Enrolled: true }], TimeSpan.FromSeconds(30)), "never written down");
    }

    [Fact]
    public async Task Lists_come_in_pages_and_show_the_nodes_of_all_replicas()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        var shop = new Shop(server);
        mesh.Write("mesh.yaml", shop.Yaml);
        var (first, second) = (await mesh.StartAsync(), await mesh.StartAsync());
        await using var a = await mesh.ConnectAsync(first, shop.A);
        await using var b = await mesh.ConnectAsync(second, shop.B);
        await a.SettleAsync();
        await b.SettleAsync();

        Assert.True(await Eventually.TrueAsync(async () => (await mesh.GetAsync(first, "/v1/nodes"))["nodes"]!.AsArray()
            .Count(n => (bool)n!["connected"]! && ((string)n["name"]! == shop.A || (string)n["name"]! == shop.B)) == 2), "the other replica's node is not shown");
        var nodes = (await mesh.GetAsync(first, "/v1/nodes"))["nodes"]!.AsArray().ToDictionary(n => (string)n!["name"]!, n => n!);
        Assert.NotEqual((string?)nodes[shop.A]["replica"], (string?)nodes[shop.B]["replica"]);
        Assert.Equal("test/1", (string?)nodes[shop.B]["software"]);

        var names = new List<string>();
        var next = "";
        do
        {
            var page = await mesh.GetAsync(first, $"/v1/workloads?namespace={shop.Namespace}&limit=1&continue={next}");
            names.AddRange(page["workloads"]!.AsArray().Select(w => (string)w!["name"]!));
            next = (string?)page["continue"];
        }
        while (next is not null);
        Assert.Equal(["api", "web"], names);
        Assert.Equal("api", (string?)(await mesh.GetAsync(second, $"/v1/services?namespace={shop.Namespace}"))["services"]![0]!["name"]);
        Assert.Empty((await mesh.GetAsync(first, "/v1/services?namespace=elsewhere"))["services"]!.AsArray());

        using var http = new HttpClient { BaseAddress = new Uri($"http://{first.AdminEndPoint}") };
        foreach (var (path, status) in new[] { ("/v1/nodes?namespace=x", 400), ("/v1/workloads?limit=0", 400), ("/v1/workloads?limit=5001", 400), ("/v1/services?continue=!", 400), ("/v1/services?all=1", 400) })
            Assert.Equal(status, (int)(await http.GetAsync(path)).StatusCode);
        using var posted = await http.PostAsync("/v1/workloads", new StringContent(""));
        Assert.Equal(405, (int)posted.StatusCode);
        using var head = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/v1/workloads"));
        Assert.Equal((200, ""), ((int)head.StatusCode, await head.Content.ReadAsStringAsync()));
    }

    [Fact]
    public void A_MeshNode_is_written_without_empty_texts_and_without_what_is_not_known()
    {
        var text = KubernetesMeshNodes.ToJson(new MeshNode { Status = new MeshNodeStatus { Replica = "r", Pods = [new MeshNodePod("u", "Captured", "", true, 0, [])] } }).GetRawText();
        Assert.DoesNotContain("null", text);
        Assert.DoesNotContain("\"\"", text);
        Assert.Contains("\"enrolled\":true", text);
    }

    // Names that no other test has: replicas see the MeshNodes of the whole cluster.
    // Node A, whose controller goes by a line that is well, and of which the cluster knows.
    private static async Task<TestNode> WrittenDownAsync(MeshCluster mesh, Shop shop, ApiLine line)
    {
        var a = await mesh.ConnectAsync(await mesh.StartAsync(line), shop.A);
        await a.SettleAsync();
        Assert.True(await Eventually.TrueAsync(async () => (await mesh.StatusOfAsync(shop.A))?.Connected == true), "not written down");
        return a;
    }

    private sealed class Shop(ApiServer server)
    {
        internal string A { get; } = server.Name("a");

        internal string B { get; } = server.Name("b");

        internal string Namespace { get; } = server.Name("shop");

        internal string Web => $"{Namespace}-web";

        internal string Yaml => $$"""
            { apiVersion: v1, kind: Namespace, metadata: { name: {{Namespace}}, labels: { ambient.mesh/enroll: "true" } } }
            ---
            { apiVersion: v1, kind: Pod, metadata: { name: web, namespace: {{Namespace}}, uid: {{Web}} }, spec: { nodeName: {{A}}, serviceAccountName: web }, status: { podIP: 10.1.0.1 } }
            ---
            { apiVersion: v1, kind: Pod, metadata: { name: api, namespace: {{Namespace}}, uid: {{Namespace}}-api, labels: { app: api } }, spec: { nodeName: {{B}}, serviceAccountName: api }, status: { podIP: 10.1.1.1 } }
            ---
            { apiVersion: v1, kind: Service, metadata: { name: api, namespace: {{Namespace}} }, spec: { clusterIP: 10.2.0.1, selector: { app: api }, ports: [ { port: 80 } ] } }
            """;
    }

    private sealed class ShiftedTime(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
