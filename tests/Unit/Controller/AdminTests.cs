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
