using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Mesh.AppPort;

/// <summary>Under STRICT a pod's own node gets through with what the pod's spec declares as a probe; nothing else does.</summary>
public sealed class NodeProbeTests(NodeProbeTests.Mesh mesh) : IClassFixture<NodeProbeTests.Mesh>, IAsyncDisposable
{
    private const int HttpPort = 8080, TcpPort = 9090, GrpcPort = 5000, OtherPort = 7070;
    private readonly ConcurrentQueue<string> _asked = new();
    private WebApplication? _app;
    private Socket? _listener;   // Kestrel does not own it; left open it would take its share of the next test's connections

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        _listener?.Dispose();
        if (TestContext.Current.TestState?.Result == TestResult.Failed) TestContext.Current.TestOutputHelper?.WriteLine(mesh.Said);
    }

    [Theory]
    [InlineData("10.244.2.11")]
    [InlineData("[fd00:244:2::11]")]
    public async Task Curl_from_the_node_gets_the_declared_path_and_nothing_else_with_a_reason(string address)
    {
        var lab = await StartAsync(HttpPort, HttpProtocols.Http1, "curl");
        var before = await lab.MetricsAsync();
        // Twice in one run: the connection ends after each exchange, and curl makes another.
        Assert.Equal("GET /healthz GET /healthz ", await CurlAsync("n2", $"http://{address}:{HttpPort}/healthz", $"http://{address}:{HttpPort}/healthz"));
        foreach (string[] arguments in (string[][])[[$"http://{address}:{HttpPort}/admin"], ["-X", "POST", $"http://{address}:{HttpPort}/healthz"], ["-d", "x", $"http://{address}:{HttpPort}/healthz"]])
            Assert.Equal("refused", await CurlAsync("n2", arguments));
        Assert.Equal(["GET /healthz", "GET /healthz"], _asked);
        Assert.Equal(before.Refusals("probe_refused") + 3, (await lab.MetricsAsync()).Refusals("probe_refused"));
        Assert.Contains("declares no probe GET /admin", lab.Log.Tail(60), StringComparison.Ordinal);

        Assert.Equal("refused", await CurlAsync("n1", $"http://{address}:{HttpPort}/healthz"));          // another node
        Assert.Equal("refused", await CurlAsync(Topology.Outside, $"http://{address}:{HttpPort}/healthz"));
        Assert.Equal("refused", await CurlAsync("n2", $"http://{address}:{OtherPort}/healthz"));         // another port
        Assert.True((await lab.MetricsAsync()).Refusals("plaintext_under_strict") >= before.Refusals("plaintext_under_strict") + 3);
        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public async Task No_second_request_gets_through_on_the_connection_of_a_probe()
    {
        var lab = await StartAsync(HttpPort, HttpProtocols.Http1);
        byte[] request = "GET /healthz HTTP/1.1\r\nHost: api\r\n\r\n"u8.ToArray();
        using (var pipelined = await PodSocket.ConnectAsync("n2", lab.Plan.Pod("api-21").V4, HttpPort))
        {
            await pipelined.SendAllAsync((byte[])[.. request, .. request]);
            await Assert.ThrowsAsync<SocketException>(() => pipelined.ReceiveToEndAsync());
        }

        Assert.Empty(_asked);
        using var client = await PodSocket.ConnectAsync("n2", lab.Plan.Pod("api-21").V4, HttpPort);
        await client.SendAllAsync(request);
        string answer = Encoding.ASCII.GetString(await client.ReceiveToEndAsync());
        Assert.StartsWith("HTTP/1.1 200", answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close", answer, StringComparison.Ordinal);
        Assert.Single(_asked);
    }

    [Fact]
    public async Task A_connect_without_a_byte_passes_and_one_with_a_byte_is_cut()
    {
        var lab = await mesh.StartedAsync();
        var server = lab.Plan.Pod("api-21");
        using var listener = PodSocket.Listen(server.Network, TcpPort);
        var before = (await lab.MetricsAsync()).Sum("ambient_probes_passed_total", ("kind", "tcp"));
        using (var probe = await PodSocket.ConnectAsync("n2", server.V4, TcpPort))
        {
            using var app = await listener.AcceptSoonAsync();
            probe.Dispose();
            Assert.Empty(await app.ReceiveToEndAsync());
        }

        await lab.UntilAsync("the probe is counted", TimeSpan.FromSeconds(10), async () =>
            (await lab.MetricsAsync()).Sum("ambient_probes_passed_total", ("kind", "tcp")) == before + 1 ? null : "not yet");
        using var talker = await PodSocket.ConnectAsync("n2", server.V4, TcpPort);
        using var other = await listener.AcceptSoonAsync();
        await talker.SendAllAsync("x"u8.ToArray());
        await Assert.ThrowsAsync<SocketException>(() => talker.ReceiveToEndAsync());
        await Assert.ThrowsAsync<SocketException>(() => other.ReceiveToEndAsync()); // cut, and not the byte
    }

    [Fact]
    public async Task A_gRPC_client_on_the_node_may_ask_for_the_declared_service_and_nothing_else()
    {
        var lab = await StartAsync(GrpcPort, HttpProtocols.Http2);
        Assert.Equal(StatusCode.OK, await CallAsync(lab, "Check", "orders"));
        Assert.NotEqual(StatusCode.OK, await CallAsync(lab, "Check", "others"));
        Assert.NotEqual(StatusCode.OK, await CallAsync(lab, "Watch", "orders"));
        Assert.Equal(["POST /grpc.health.v1.Health/Check"], _asked); // whose head alone gets an answer from it
        Assert.True((await lab.MetricsAsync()).Refusals("probe_refused") >= 2);
    }

    // One unary call over a connection of its own that is made in the node's network.
    private static async Task<StatusCode> CallAsync(Lab lab, string method, string service)
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, _) => new NetworkStream(await PodSocket.ConnectAsync("n2", lab.Plan.Pod("api-21").V4, GrpcPort), ownsSocket: true),
        };
        using var channel = GrpcChannel.ForAddress($"http://api:{GrpcPort}", new GrpcChannelOptions { HttpHandler = handler });
        var bytes = Marshallers.Create<byte[]>(message => message, message => message);
        var call = new Method<byte[], byte[]>(MethodType.Unary, "grpc.health.v1.Health", method, bytes, bytes);
        try
        {
            byte[] request = [0x0a, (byte)service.Length, .. Encoding.ASCII.GetBytes(service)];
            byte[] answer = await channel.CreateCallInvoker().AsyncUnaryCall(call, null, new CallOptions(deadline: TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(15)), request);
            Assert.Equal([0x08, 0x01], answer);   // SERVING
            return StatusCode.OK;
        }
        catch (RpcException fault)
        {
            return fault.StatusCode;
        }
    }

    // The pod's app: Kestrel on a socket inside the pod.
    private async Task<Lab> StartAsync(int port, HttpProtocols protocols, params string[] programs)
    {
        var lab = await mesh.StartedAsync(programs);
        var socket = _listener = PodSocket.Listen(lab.Plan.Pod("api-21").Network, port);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.ListenHandle((ulong)socket.Handle, listen => listen.Protocols = protocols));
        _app = builder.Build();
        _app.Run(async context =>
        {
            string asked = $"{context.Request.Method} {context.Request.Path}";
            _asked.Enqueue(asked);
            if (protocols == HttpProtocols.Http2)
            {
                context.Response.ContentType = "application/grpc";
                await context.Response.Body.WriteAsync((byte[])[0, 0, 0, 0, 2, 0x08, 0x01]);
                context.Response.AppendTrailer("grpc-status", "0");
            }
            else
            {
                await context.Response.WriteAsync(asked + " ");
            }
        });
        await _app.StartAsync();
        return lab;
    }

    private static async Task<string> CurlAsync(string network, params string[] arguments)
    {
        var result = await Tool.RunAsync(Command.Of("curl", ["-s", "-g", "--max-time", "10", .. arguments]).Inside(network));
        return result.ExitCode == 0 ? result.Output : "refused";
    }

    public sealed class Mesh : OwnLab
    {
        private protected override LabPlan Plan { get; } = new()
        {
            Nodes = 2,
            Pods =
            [
                new PodPlan("shop", "web", 1, 1),
                new PodPlan("shop", "api", 2, 1)
                {
                    Containers = $$$"""
                        {name: app, ports: [{name: web, containerPort: {{{HttpPort}}} }], livenessProbe: {httpGet: {path: /healthz, port: web}},
                        readinessProbe: {tcpSocket: {port: {{{TcpPort}}} } }, startupProbe: {grpc: {port: {{{GrpcPort}}}, service: orders}} }
                        """.ReplaceLineEndings(" "),
                },
            ],
            HasOutside = true,
            Mode = "STRICT",
            TunnelPort = "original",
        };
    }
}
