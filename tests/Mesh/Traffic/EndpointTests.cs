using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Endpoints that do not answer, each in its own manner: an app notices at most a little delay.</summary>
public sealed class EndpointTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private readonly List<Func<Task>> _undo = [];

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Endpoints_that_refuse_in_this_node_and_in_another_are_passed_over(AddressFamily family)
    {
        var lab = await MeshAsync();
        // Nobody listens at cache-12 (direct: the connect fails) and at jobs-23 (the other node answers 503).
        var service = Own(await OwnService.MakeAsync(lab, OwnService.AddressesOf(lab, "cache-12", "jobs-23", "api-21")));
        await AllReachAsync(lab, "web-11", service.Of(family), 80, "api-21", connections: 30, atMost: TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Endpoints_that_swallow_everything_are_given_up_after_two_seconds()
    {
        var lab = await MeshAsync();
        // One outside, in plaintext, and one behind a tunnel.
        await DropAsync(Topology.Outside, "input", $"tcp dport {Plans.AppPort}");
        await DropAsync("n2", "forward", $"ip daddr {lab.Plan.Pod("jobs-23").V4} tcp dport 15008");
        var service = Own(await OwnService.MakeAsync(lab, [IPAddress.Parse("192.0.2.9"), lab.Plan.Pod("jobs-23").V4, lab.Plan.Pod("api-21").V4]));
        await AllReachAsync(lab, "web-11", service.V4, 80, "api-21", connections: 12, atMost: TimeSpan.FromSeconds(4));
    }

    [Fact]
    public async Task A_node_whose_proxy_is_dead_is_passed_over()
    {
        var lab = await MeshAsync();
        var service = Own(await OwnService.MakeAsync(lab, OwnService.AddressesOf(lab, "api-21", "api-22", "cache-12")));
        await lab.Nodes[1].NodeProxy.KillAsync();
        await AllReachAsync(lab, "web-11", service.V4, 80, "cache-12", connections: 12, atMost: TimeSpan.FromSeconds(4));
        lab.Nodes[1].NodeProxy.Start();
        await lab.Nodes[1].WaitUntilReadyAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_view_that_still_names_a_pod_that_is_gone_costs_a_delay_and_no_connection()
    {
        var lab = await MeshAsync();
        // IPv6, for which no other test has made this endpoint one to be avoided.
        var service = Own(await OwnService.MakeAsync(lab, [lab.Plan.Pod("jobs-23").V6, lab.Plan.Pod("api-21").V6]));
        await lab.Controller.Process.KillAsync();
        await Tool.MustAsync(Command.Of("ip", "link", "set", "p23", "down").Inside("n2"));
        _undo.Add(() => Tool.MustAsync(Command.Of("ip", "link", "set", "p23", "up").Inside("n2")));
        await AllReachAsync(lab, "web-11", service.V6, 80, "api-21", connections: 12, atMost: TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task When_no_endpoint_answers_the_connection_is_refused_with_the_last_reason()
    {
        var lab = await MeshAsync();
        var service = Own(await OwnService.MakeAsync(lab, [lab.Plan.Pod("cache-12").V4, lab.Plan.Pod("jobs-23").V4]));
        await AssertResetAsync(service.V4);
        await lab.UntilAsync("the log says why", TimeSpan.FromSeconds(5), () => Task.FromResult(lab.Log.Of("n1/proxy").Any(line =>
            line.Contains("NoHealthyEndpoint", StringComparison.Ordinal)
            && line.Contains("2 endpoints did not answer, and there is no other; the last one: ", StringComparison.Ordinal)) ? null : "not yet"));
    }

    [Fact]
    public async Task An_endpoint_that_is_no_pod_and_one_that_is_not_enrolled_are_reached_in_plaintext()
    {
        var lab = await MeshAsync();
        // From cache-12: other tests say that web-11 never speaks in the clear.
        var outside = Own(PodSocket.Listen(Topology.Outside));
        var service = Own(await OwnService.MakeAsync(lab, [IPAddress.Parse("192.0.2.9"), IPAddress.Parse("fd00:99::9")]));
        await ExchangeAsync(outside, () => PodSocket.ConnectAsync("p12", service.V4, 80));
        await ExchangeAsync(outside, () => PodSocket.ConnectAsync("p12", service.V6, 80));

        var pod = lab.Plan.Pod("jobs-23");
        lab.Mesh.Put(pod with { EnrollLabel = "false" });
        _undo.Add(async () =>
        {
            lab.Mesh.Put(pod);
            await lab.Controller.WaitForStateAsync("enrolled", [pod], TimeSpan.FromSeconds(30));
        });
        await lab.Controller.WaitForStateAsync("none", [pod], TimeSpan.FromSeconds(30));
        var listener = Own(PodSocket.Listen(pod.Network));
        var jobs = lab.Plan.Service("jobs");
        await ExchangeAsync(listener, () => PodSocket.ConnectAsync("p12", jobs.V4, 80));
        await ExchangeAsync(listener, () => PodSocket.ConnectAsync("p12", jobs.V6, 80));
        await ExchangeAsync(listener, () => PodSocket.ConnectAsync("p12", pod.V4, Plans.AppPort));
        Assert.Contains("plain plaintext", (await lab.MetricsAsync()).Ways("source", "cache", "jobs"));
    }

    [Theory]
    [InlineData("protocol: UDP")]
    [InlineData("protocol: SCTP")]
    public async Task A_port_of_another_protocol_is_none_for_TCP(string protocol)
    {
        var lab = await MeshAsync();
        var listener = Own(PodSocket.Listen("p21"));
        var service = Own(await OwnService.MakeAsync(
            lab, OwnService.AddressesOf(lab, "api-21"), ports: $"{{name: other, port: 80, {protocol}}}, {{name: both, port: 81, {protocol}, targetPort: 9}}, {{name: tcp, port: 81}}"));
        var before = (await lab.MetricsAsync()).Refusals("service_port_unknown");
        await AssertResetAsync(service.V4);
        Assert.Equal(before + 1, (await lab.MetricsAsync()).Refusals("service_port_unknown"));
        await ExchangeAsync(listener, () => PodSocket.ConnectAsync("p11", service.V4, 81));
    }

    private protected override async ValueTask EndAsync()
    {
        foreach (var undo in _undo) await undo();
    }

    // The pod's own kernel accepts for the mesh; the reset may come before the caller looks.
    private static async Task AssertResetAsync(IPAddress address)
    {
        using var timer = new CancellationTokenSource(PodSocket.Patience);
        var error = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var client = await PodSocket.ConnectAsync("p11", address, 80);
            await client.ReceiveAsync(new byte[1], timer.Token);
        });
        Assert.Equal(SocketError.ConnectionReset, error.SocketErrorCode);
    }

    private static async Task ExchangeAsync(Socket listener, Func<Task<Socket>> connect)
    {
        using var client = await connect();
        await client.SendAllAsync(Encoding.ASCII.GetBytes("ping"));
        using var server = await listener.AcceptSoonAsync();
        Assert.Equal("ping", Encoding.ASCII.GetString(await server.ReceiveExactlyAsync(4)));
    }

    private async Task DropAsync(string network, string hook, string what)
    {
        await Tool.MustAsync(Command.Of("nft", "-f", "-").Inside(network),
            $"table inet test {{\nchain c {{\ntype filter hook {hook} priority 0;\n{what} drop\n}}\n}}\n");
        _undo.Add(() => Tool.MustAsync(Command.Of("nft", "delete", "table", "inet", "test").Inside(network)));
    }

    // All at once, so that each endpoint is met by some. The app's bytes reach the one that answers, whole and once.
    private async Task AllReachAsync(Lab lab, string client, IPAddress address, int port, string server, int connections, TimeSpan atMost)
    {
        var listener = Own(PodSocket.Listen(lab.Plan.Pod(server).Network));
        var start = Stopwatch.GetTimestamp();
        var asking = Enumerable.Range(0, connections).Select(async i =>
        {
            using var socket = await PodSocket.ConnectAsync(lab.Plan.Pod(client).Network, address, port);
            await socket.SendAllAsync(Encoding.ASCII.GetBytes($"{i:000}\n"));
            return Encoding.ASCII.GetString(await socket.ReceiveExactlyAsync(4));
        }).ToList();
        for (var i = 0; i < connections; i++)
        {
            using var socket = await listener.AcceptSoonAsync();
            await socket.SendAllAsync(await socket.ReceiveExactlyAsync(4));
        }
        Assert.Equal(Enumerable.Range(0, connections).Select(i => $"{i:000}\n"), await Task.WhenAll(asking));
        var took = Stopwatch.GetElapsedTime(start);
        TestContext.Current.TestOutputHelper?.WriteLine($"{took.TotalSeconds:F1} s, meant to be at most {atMost.TotalSeconds:F0} s");
        Assert.InRange(took, TimeSpan.Zero, atMost * 10);
    }
}
