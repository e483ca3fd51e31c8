using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Inbound;
using Ambient.NodeProxy.Inbound.Probes;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>What the pod's own node may ask in plaintext under STRICT, and what it may not.</summary>
public sealed class ProbeTests
{
    private const string Request = "GET /healthz HTTP/1.1\r\nHost: api\r\n\r\n";
    private static readonly Probe Http = new(0, ProbeKind.Http, "GET", "/healthz"), Tcp = new(0, ProbeKind.Tcp), Https = new(0, ProbeKind.Https),
        Grpc = new(0, ProbeKind.Grpc, Service: "orders");

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public async Task The_declared_request_reaches_the_app_to_be_closed_after_it_and_its_answer_comes_back(int pieceBytes)
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict, isOnOriginalPort: false, Http);
        using var client = await world.Connect(AppPortWorld.OwnNode);
        foreach (byte[] piece in Encoding.ASCII.GetBytes(Request).Chunk(pieceBytes)) await client.SendAsync(piece);
        using var app = await world.Accept();
        Assert.Equal("GET /healthz HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n", await Text(app, 55));
        await app.SendAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
        app.Shutdown(SocketShutdown.Send);
        Assert.Equal("HTTP/1.1 204 No Content\r\n\r\n", await Text(client, 27));
        Assert.Equal(0, await client.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10)));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await app.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(1, await world.Run(() => world.Probes(ProbeKind.Http)));
    }

    [Theory]
    [InlineData("GET /admin HTTP/1.1\r\nHost: api\r\n\r\n", "declares no probe GET /admin")]
    [InlineData("GET /healthz?x HTTP/1.1\r\nHost: api\r\n\r\n", "declares no probe GET /healthz?x")]
    [InlineData("GET /healthz/../admin HTTP/1.1\r\nHost: api\r\n\r\n", "declares no probe")]
    [InlineData("POST /healthz HTTP/1.1\r\nHost: api\r\n\r\n", "declares no probe POST /healthz")]
    [InlineData(Request + Request, "more bytes came with it")]
    [InlineData("GET /healthz HTTP/1.1\r\nHost: api\r\nContent-Length: 3\r\n\r\n", "it has a body")]
    [InlineData("SSH-2.0-x\0", "not the request of a probe")]
    [InlineData("\u0016\u0003\u0001", "the client began TLS")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "the client began HTTP/2")]
    public async Task Anything_else_is_refused_with_a_reason_and_the_app_sees_nothing_of_it(string bytes, string reason)
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict, isOnOriginalPort: true, Http);
        using var client = await world.Connect(AppPortWorld.OwnNode);
        await client.SendAsync(Encoding.Latin1.GetBytes(bytes));
        await ExpectReset(client);
        Assert.Contains(reason, Assert.Single(world.Refusals), StringComparison.Ordinal);
        Assert.Equal(1, await world.Run(() => world.Refused(RefusalReason.ProbeRefused)));
        Assert.False(world.HasAppConnection);
    }

    [Fact]
    public async Task A_second_request_is_cut_wherever_it_comes()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict, isOnOriginalPort: false, Http);
        using var client = await world.Connect(AppPortWorld.OwnNode);
        await client.SendAsync(Encoding.ASCII.GetBytes(Request));
        using var app = await world.Accept();
        await Text(app, 55);
        await client.SendAsync("X"u8.ToArray());
        await ExpectReset(client);
        await ExpectReset(app);   // and not the byte
        Assert.Equal(1, await world.Run(() => world.Refused(RefusalReason.ProbeRefused)));
    }

    [Fact]
    public async Task A_connect_without_a_byte_is_seen_by_the_app_and_a_byte_is_cut()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict, isOnOriginalPort: false, Tcp);
        using var client = await world.Connect(AppPortWorld.OwnNode);
        using var app = await world.Accept();
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await app.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(0, await client.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(1, await world.Run(() => world.Probes(ProbeKind.Tcp)));

        using var talker = await world.Connect(AppPortWorld.OwnNode);
        using var second = await world.Accept();
        await second.SendAsync("secret banner"u8.ToArray());
        await world.Settle();
        Assert.Equal(0, talker.Available);   // what the app says is for nobody who has proved nothing
        await talker.SendAsync("x"u8.ToArray());
        await ExpectReset(talker);
    }

    [Fact]
    public async Task Of_an_https_probe_only_the_port_is_checked_and_the_metric_says_so()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict, isOnOriginalPort: false, Https);
        using var client = await world.Connect(AppPortWorld.OwnNode);
        byte[] hello = Hellos.OfDotnet(null);
        await client.SendAsync(hello);
        using var app = await world.Accept();
        Assert.Equal(Encoding.Latin1.GetString(hello), await Text(app, hello.Length));
        Assert.Equal(1, await world.Run(() => world.Probes(ProbeKind.Https)));
        Assert.Equal("https_port_only", Labels.Of(ProbeKind.Https));
        Assert.Contains("weaker", DeclaredProbes.Describe(Https), StringComparison.Ordinal);
    }

    [Fact]
    public async Task From_another_node_an_unknown_address_or_a_pod_nothing_passes_as_a_probe()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict, isOnOriginalPort: false, Http, Tcp);
        foreach (var peer in (IPAddress[])[AppPortWorld.OtherNode, AppPortWorld.UnknownPeer, AppPortWorld.PlainPeer, AppPortWorld.EnrolledPeer])
        {
            using var client = await world.Connect(peer);
            await world.Pass(1000);   // the patience with a pod of the mesh, which may know more
            await world.Pass(25);     // a timer of the loop is up to 8 ms late
            await ExpectReset(client);
        }

        Assert.Equal(4, await world.Run(() => world.Refused(RefusalReason.PlaintextUnderStrict)));
        Assert.False(world.HasAppConnection);
    }

    [Fact]
    public async Task Who_asks_nothing_is_cut_after_ten_seconds()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict, isOnOriginalPort: false, Http);
        using var client = await world.Connect(AppPortWorld.OwnNode);
        await client.SendAsync("GET /he"u8.ToArray());
        await world.Pass(9_000);
        Assert.Equal(0, await world.Run(() => world.Refused(RefusalReason.ProbeRefused)));
        await world.Pass(1_100);
        await ExpectReset(client);
    }

    [Fact]
    public void One_call_of_the_health_service_passes_however_it_is_cut()
    {
        byte[] call = [.. FrameWriter.Preface, .. Settings(), .. Headers(1, "/grpc.health.v1.Health/Check"), .. Data(1, HealthCall.MessageOf("orders"), end: true)];
        for (int cut = 1; cut <= call.Length; cut++)
        {
            var reader = new GrpcProbeReader([Grpc], 16 * 1024);
            int passed = 0;
            foreach (int until in (int[])[cut, call.Length])
            {
                while (passed < until && reader.Read(call.AsSpan(passed, until - passed), isAll: false) is { Kind: LookKind.Pass } look) passed += look.Bytes;
            }

            Assert.Equal(call.Length, passed);
            Assert.Equal(LookKind.PassAll, reader.Read([], isAll: true).Kind);
        }
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("others")]
    public void A_call_whose_message_is_not_whole_yet_does_not_pass_and_what_came_before_it_does(string service)
    {
        byte[] before = [.. FrameWriter.Preface, .. Settings()], call = [.. Headers(1, "/grpc.health.v1.Health/Check"), .. Settings()];
        byte[] message = Data(1, HealthCall.MessageOf(service), end: true);
        var reader = new GrpcProbeReader([Grpc], 16 * 1024);
        Assert.Equal(Look.Pass(before.Length), reader.Read([.. before, .. call], isAll: false));
        Assert.Equal(Look.More, reader.Read(call, isAll: false));
        Assert.Equal(Look.More, reader.Read([.. call, .. message[..^1]], isAll: false));
        var look = reader.Read([.. call, .. message], isAll: false);
        if (service == "orders") Assert.Equal(Look.Pass(call.Length + message.Length), look);
        else Assert.Contains("it asks for another service", look.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_whose_message_never_ends_is_refused()
    {
        byte[] call = [.. FrameWriter.Preface, .. Settings(), .. Headers(1, "/grpc.health.v1.Health/Check")];
        var reader = new GrpcProbeReader([Grpc], 16 * 1024);
        int passed = reader.Read(call, isAll: false).Bytes;
        Assert.Contains("cut off", reader.Read(call.AsSpan(passed), isAll: true).Reason, StringComparison.Ordinal);
    }

    public static TheoryData<string, byte[]> OtherCalls => new()
    {
        { "it is not grpc.health.v1.Health/Check", Headers(1, "/grpc.health.v1.Health/Watch") },
        { "it asks for another service", [.. Headers(1, "/grpc.health.v1.Health/Check"), .. Data(1, HealthCall.MessageOf("others"), end: true)] },
        { "it asks for another service", [.. Headers(1, "/grpc.health.v1.Health/Check"), .. Data(1, HealthCall.MessageOf("orders")[..5], end: true)] },
        { "its message is longer", [.. Headers(1, "/grpc.health.v1.Health/Check"), .. Data(1, new byte[100], end: false)] },
        { "a probe is one call", [.. Headers(1, "/grpc.health.v1.Health/Check"), .. Headers(3, "/grpc.health.v1.Health/Check")] },
        { "one call with one message", [.. Headers(1, "/grpc.health.v1.Health/Check"), .. Data(1, HealthCall.MessageOf("orders"), end: true), .. Data(1, [], end: true)] },
        { "a frame of a kind", [0, 0, 0, 0xfa, 0, 0, 0, 0, 1] },
        { "PUSH_PROMISE", [0, 0, 4, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2] },
    };

    [Theory]
    [MemberData(nameof(OtherCalls))]
    public void Any_other_call_or_frame_is_refused(string reason, byte[] frames)
    {
        var reader = new GrpcProbeReader([Grpc], 16 * 1024);
        var look = reader.Read([.. FrameWriter.Preface, .. Settings(), .. frames], isAll: false);
        Assert.Equal(LookKind.Refuse, look.Kind);
        Assert.Contains(reason, look.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_calls_never_pass_more_than_one_call_and_never_throw()
    {
        var random = new Random(5);
        byte[] call = [.. FrameWriter.Preface, .. Settings(), .. Headers(1, "/grpc.health.v1.Health/Check"), .. Data(1, HealthCall.MessageOf("orders"), end: true)];
        int refused = 0;
        for (int round = 0; round < 20_000; round++)
        {
            var bytes = new List<byte>(call);
            Http2.Mutations.Apply(random, bytes);
            var reader = new GrpcProbeReader([Grpc], 16 * 1024);
            var look = reader.Read([.. bytes], isAll: true);
            Assert.NotEqual(LookKind.More, look.Kind);
            if (look.Kind == LookKind.Pass) Assert.InRange(look.Bytes, 1, bytes.Count);
            else refused++;
        }

        Assert.InRange(refused, 1000, 20_000);
    }

    private static byte[] Settings() => [0, 0, 0, 4, 0, 0, 0, 0, 0];

    private static byte[] Headers(int stream, string path)
    {
        var block = new List<byte>();
        foreach (var (name, value) in ((string, string)[])[(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "api"), ("content-type", "application/grpc"), ("te", "trailers")])
        {
            // A literal without indexing, by name and value (RFC 7541, section 6.2.2).
            block.AddRange([0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name), (byte)value.Length, .. Encoding.ASCII.GetBytes(value)]);
        }

        return Frame(1, 4, stream, [.. block]);
    }

    private static byte[] Data(int stream, byte[] payload, bool end) => Frame(0, end ? 1 : 0, stream, payload);

    private static byte[] Frame(int type, int flags, int stream, byte[] payload) =>
        [0, (byte)(payload.Length >> 8), (byte)payload.Length, (byte)type, (byte)flags, 0, 0, 0, (byte)stream, .. payload];

    private static async Task<string> Text(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int read = 0; read < count;)
        {
            int some = await socket.ReceiveAsync(bytes.AsMemory(read)).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
            if (some == 0) throw new EndOfStreamException($"the stream ended after {read} of {count} bytes");
            read += some;
        }

        return Encoding.Latin1.GetString(bytes);
    }

    private static async Task ExpectReset(Socket socket)
    {
        var fault = await Assert.ThrowsAsync<SocketException>(() => socket.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);
    }
}
