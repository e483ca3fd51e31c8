using System.Text.Json;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Tests.Unit.Controller;

public sealed class AdminTests
{
    [Fact]
    public async Task Pages_tell_of_nodes_workloads_and_services()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();
        await node.ReportAsync("uid-web", PodPhase.Preparing);
        await rig.LoggedAsync("Preparing");

        using var nodes = JsonDocument.Parse(await rig.GetAsync("/v1/nodes"));
        var a = nodes.RootElement.GetProperty("nodes")[0];
        Assert.Equal("a", a.GetProperty("name").GetString());
        Assert.True(a.GetProperty("connected").GetBoolean());
        Assert.Equal("test/1", a.GetProperty("software").GetString());
        Assert.Equal("preparing", a.GetProperty("pods")[0].GetProperty("phase").GetString());
        var b = nodes.RootElement.GetProperty("nodes")[1];
        Assert.False(b.GetProperty("connected").GetBoolean());

        using var workloads = JsonDocument.Parse(await rig.GetAsync("/v1/workloads"));
        var api = workloads.RootElement.GetProperty("workloads")[0];
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/api", api.GetProperty("identity").GetString());
        Assert.Equal("enrolling", api.GetProperty("state").GetString());
        Assert.Equal("permissive", api.GetProperty("mode").GetString());

        using var services = JsonDocument.Parse(await rig.GetAsync("/v1/services"));
        Assert.Equal("10.1.1.1", services.RootElement.GetProperty("services")[0].GetProperty("endpoints")[0].GetProperty("address").GetString());
    }

    [Fact]
    public async Task A_node_that_owes_an_ack_is_told_with_how_far_behind_it_is_and_since_when()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();
        // The ack may be on its way.
        await Eventually.Async(async () => await AckAsync() is { Lag: 0, UnackedSeconds: null }, () => "the first view is never acked");
        var (version, acked, _, _) = await AckAsync();
        Assert.Equal((node.Version, node.Version), (version, acked));

        node.AcksByItself = false;
        rig.Write("more.yaml", """
            kind: Service
            apiVersion: v1
            metadata: {name: more, namespace: shop}
            spec: {clusterIP: 10.2.0.2, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
            """);
        var before = node.Version;
        await node.UntilAsync(() => node.Version > before);
        var behind = await AckAsync();
        Assert.Equal((before + 1, before, 1UL), (behind.Version, behind.Acked, behind.Lag));
        await Task.Delay(20);
        Assert.True((await AckAsync()).UnackedSeconds >= behind.UnackedSeconds + 0.02, "it is not said for how long");

        await node.AckAsync(node.Deltas[^1]);
        await Eventually.Async(async () => await AckAsync() is { Lag: 0, UnackedSeconds: null }, () => "the ack does not count");
        Assert.Equal(before + 1, (await AckAsync()).Acked);

        async Task<(ulong Version, ulong Acked, ulong Lag, double? UnackedSeconds)> AckAsync()
        {
            using var page = JsonDocument.Parse(await rig.GetAsync("/v1/nodes"));
            var a = page.RootElement.GetProperty("nodes")[0];
            var unacked = a.GetProperty("unackedSeconds");
            return (page.RootElement.GetProperty("version").GetUInt64(), a.GetProperty("ackedVersion").GetUInt64(), a.GetProperty("lag").GetUInt64(),
                unacked.ValueKind == JsonValueKind.Null ? null : unacked.GetDouble());
        }
    }

    [Fact]
    public async Task Pods_whose_labels_ask_for_the_mesh_in_vain_have_the_reason_and_are_counted()
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop + """

            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: agent, namespace: shop, uid: uid-agent}
            spec: {nodeName: a, hostNetwork: true}
            status: {podIP: 192.0.2.1}
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: late, namespace: shop, uid: uid-late}
            spec: {nodeName: a}
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: waiting, namespace: shop, uid: uid-waiting}
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: dns, namespace: kube-system, uid: uid-dns, labels: {ambient.mesh/enroll: "true"}}
            spec: {nodeName: a}
            status: {podIP: 10.1.0.9}
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: free, namespace: default, uid: uid-free}
            spec: {nodeName: a, hostNetwork: true}
            status: {podIP: 192.0.2.1}
            """);
        using var page = JsonDocument.Parse(await rig.GetAsync("/v1/workloads"));
        var reasons = page.RootElement.GetProperty("workloads").EnumerateArray().ToDictionary(w => w.GetProperty("name").GetString()!, w => (w.GetProperty("state").GetString(), w.GetProperty("reason").GetString()));
        Assert.Equal(("none", "host network"), reasons["agent"]);
        Assert.Equal(("none", "no address yet"), reasons["late"]);
        Assert.Equal(("none", "no node yet"), reasons["waiting"]);
        Assert.Equal(("none", "excluded namespace"), reasons["dns"]);
        Assert.Equal(("none", ""), reasons["free"]);
        Assert.Equal(("enrolling", ""), reasons["web"]);
        using var first = JsonDocument.Parse(await rig.GetAsync("/v1/workloads?limit=1"));
        Assert.Equal(["excluded namespace 1", "host network 1", "no address yet 1", "no node yet 1"],
            first.RootElement.GetProperty("leftOut").EnumerateArray().Select(r => $"{r.GetProperty("reason").GetString()} {r.GetProperty("pods").GetInt32()}"));
    }

    [Fact]
    public async Task Liveness_readiness_and_metrics_are_served()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();

        Assert.Equal("live\n", await rig.GetAsync("/live"));
        Assert.Equal("ready\n", await rig.GetAsync("/ready"));
        var metrics = await rig.GetAsync("/metrics");
        Assert.Contains("ambient_controller_nodes_connected 1\n", metrics);
        Assert.Contains("ambient_controller_pods{state=\"enrolling\"} 2\n", metrics);
        Assert.Contains("ambient_controller_deltas_sent_total{form=\"full\"} 1\n", metrics);
        // The node's ack may be on its way.
        await Eventually.Async(async () => (metrics = await rig.GetAsync("/metrics")).Contains("ambient_controller_nodes_behind 0\n") && !metrics.Contains("ambient_controller_ack_seconds_count 0\n"), () => metrics);
    }

    [Fact]
    public async Task A_question_travels_to_the_node_and_its_answer_back()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();

        var page = rig.GetAsync("/v1/nodes/a/status");
        ControllerMessage message;
        do
            message = await node.ReadAsync();
        while (message.BodyCase != ControllerMessage.BodyOneofCase.Question);
        Assert.NotNull(message.Question.Status);
        await node.SendAsync(new NodeMessage
        {
            Answer = new Answer { QuestionId = message.Id, Status = new StatusAnswer { ViewVersion = 3, CapturedPods = 2, OpenConnections = 41 } },
        });

        using var answer = JsonDocument.Parse(await page);
        Assert.Equal(41, answer.RootElement.GetProperty("openConnections").GetInt32());
    }

    [Fact]
    public async Task A_question_that_the_node_does_not_know_and_a_node_that_is_not_there_are_told_apart()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");

        var page = rig.GetAsync("/v1/nodes/a/status");
        ControllerMessage message;
        do
            message = await node.ReadAsync();
        while (message.BodyCase != ControllerMessage.BodyOneofCase.Question);
        await node.SendAsync(new NodeMessage { Answer = new Answer { QuestionId = message.Id, Unsupported = "status" } });
        Assert.Contains("cannot answer this: status", await page);

        using var http = new HttpClient { BaseAddress = rig.Admin };
        using var absent = await http.GetAsync("/v1/nodes/nowhere/status");
        Assert.Equal(System.Net.HttpStatusCode.NotFound, absent.StatusCode);
    }

    [Fact]
    public async Task The_admin_pages_are_not_on_the_port_of_the_nodes()
    {
        await using var rig = await ControllerRig.StartAsync();
        using var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } };
        using var http = new HttpClient(handler)
        {
            DefaultRequestVersion = System.Net.HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var answer = await http.GetAsync($"https://{rig.Host.EndPoint}/v1/nodes");
        Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task The_admin_pages_can_be_switched_off()
    {
        await using var rig = await ControllerRig.StartAsync(with: o => o with { Admin = null });
        Assert.Null(rig.Host.AdminEndPoint);
    }
}
