using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Model;
using Ambient.Tests.Unit.Tunnel;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>What the server's node makes of a connection to an app's own port.</summary>
public sealed class OriginalPortTests
{
    private static readonly byte[] Greeting = "220 ready\r\n"u8.ToArray();

    public static TheoryData<string> MayBeInTheMesh => ["127.0.0.2", "127.0.0.4"];

    [Theory]
    [MemberData(nameof(MayBeInTheMesh))]
    public async Task A_tunnel_is_taken_on_the_port_of_the_app_and_leads_there_and_nowhere_else(string peer)
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict);
        var link = await OpenLink(world, await world.Connect(IPAddress.Parse(peer)));

        var toApp = await Ask(world, link, world.App);
        using (var app = await world.Accept())
        {
            await world.Until(() => toApp.Opened is not null, "the answer");
        }

        var elsewhere = await Ask(world, link, new IPEndPoint(world.App.Address, world.App.Port == 80 ? 81 : 80));
        await world.Until(() => elsewhere.Refused is not null, "the refusal");
        Assert.Equal(400, elsewhere.Refused!.Value.Status);
        Assert.Contains("leads nowhere else", elsewhere.Refused.Value.Reason, StringComparison.Ordinal);
        Assert.Equal(1, world.Refused(RefusalReason.BadAuthority));
        await world.Run(() => link.Abort(ConnectionFault.Ended, "the test is over"));
    }

    [Fact]
    public async Task An_app_sees_nothing_of_a_tunnel_on_its_port_that_comes_at_once()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive);
        var link = await OpenLink(world, await world.Connect(AppPortWorld.EnrolledPeer));
        await world.Pass(200);
        Assert.False(world.HasAppConnection);
        await world.Run(() => link.Abort(ConnectionFault.Ended, "the test is over"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("h2")]
    [InlineData("http/1.1")]
    public async Task An_app_that_speaks_TLS_itself_gets_every_byte_of_its_clients_hello_at_once(string? alpn)
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive);
        using var client = await world.Connect(AppPortWorld.UnknownPeer);
        byte[] hello = Hellos.OfDotnet(alpn);
        await client.SendAsync(hello);
        using var app = await world.Accept();
        Assert.Equal(hello, await Receive(app, hello.Length));
        await app.SendAsync(Greeting);
        Assert.Equal(Greeting, await Receive(client, Greeting.Length));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(700)]
    public async Task A_hello_in_pieces_is_a_tunnel_when_it_is_whole(int pieceBytes)
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict);
        using var client = await world.Connect(AppPortWorld.EnrolledPeer);
        byte[] hello = Hellos.OfDotnet(TunnelEntries.OriginalPortProtocol);
        foreach (byte[] piece in hello.Chunk(pieceBytes))
        {
            await client.SendAsync(piece);
            if (pieceBytes > 100) await world.Settle();
        }

        byte[] answer = new byte[1];
        Assert.Equal(1, await client.ReceiveAsync(answer).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(22, answer[0]);   // a handshake record: our server's hello
        Assert.False(world.HasAppConnection);
    }

    [Fact]
    public async Task Bytes_that_begin_like_a_hello_are_delivered_when_they_turn_out_to_be_none_or_the_time_is_over()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive);
        using var client = await world.Connect(AppPortWorld.EnrolledPeer);
        byte[] half = Hellos.OfDotnet(TunnelEntries.OriginalPortProtocol)[..100];
        await client.SendAsync(half);
        await world.Pass(50);
        using var app = await world.Accept();   // opened already, but
        Assert.Equal(0, app.Available);
        await world.Pass(50);
        Assert.Equal(half, await Receive(app, half.Length));

        using var other = await world.Connect(AppPortWorld.EnrolledPeer);
        await other.SendAsync(half);
        await world.Settle();
        other.Shutdown(SocketShutdown.Send);
        using var second = await world.Accept();
        Assert.Equal(half, await Receive(second, half.Length));
        Assert.Equal(0, await second.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task A_hello_of_more_than_16_KiB_goes_to_the_app()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive);
        using var client = await world.Connect(AppPortWorld.EnrolledPeer);
        byte[] hello = Hellos.Made(protocol: TunnelEntries.OriginalPortProtocol, paddingBytes: 20_000, fragmentBytes: 16_000);
        await client.SendAsync(hello);
        using var app = await world.Accept();
        Assert.Equal(hello, await Receive(app, hello.Length));
    }

    [Theory]
    [MemberData(nameof(MayBeInTheMesh))]
    public async Task What_an_app_says_first_is_held_for_100_ms_where_a_tunnel_may_come(string peer)
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive);
        using var client = await world.Connect(IPAddress.Parse(peer));
        await world.Pass(28);
        using var app = await world.Accept();
        await app.SendAsync(Greeting);
        await world.Pass(55);
        Assert.Equal(0, client.Available);
        await world.Pass(17);
        Assert.Equal(Greeting, await Receive(client, Greeting.Length));
        await client.SendAsync("EHLO"u8.ToArray());
        Assert.Equal("EHLO"u8.ToArray(), await Receive(app, 4));
    }

    [Fact]
    public async Task A_peer_known_as_not_enrolled_is_served_at_once()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive);
        using var client = await world.Connect(AppPortWorld.PlainPeer);
        using var app = await world.Accept();
        await app.SendAsync(Greeting);
        Assert.Equal(Greeting, await Receive(client, Greeting.Length));   // the clock has not moved
    }

    [Fact]
    public async Task Under_STRICT_plaintext_is_refused_at_once_and_silence_after_100_ms_and_the_app_sees_neither()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict);
        using var plain = await world.Connect(AppPortWorld.UnknownPeer);
        await plain.SendAsync("GET / HTTP/1.1\r\n"u8.ToArray());
        await ExpectReset(plain);

        using var silent = await world.Connect(AppPortWorld.UnknownPeer);
        await world.Pass(85);
        Assert.Equal(1, world.Refused(RefusalReason.PlaintextUnderStrict));
        await world.Pass(15);
        await ExpectReset(silent);
        Assert.Equal(2, world.Refused(RefusalReason.PlaintextUnderStrict));
        Assert.False(world.HasAppConnection);
    }

    [Fact]
    public async Task Plaintext_of_a_pod_whose_node_was_told_first_that_this_one_leaves_waits_until_this_node_is_told()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict);
        using var early = await world.Connect(AppPortWorld.EnrolledPeer);
        await early.SendAsync(Greeting);
        await world.Pass(500);
        Assert.False(world.HasAppConnection);

        await world.TellAnythingElse();
        await world.Pass(25);
        Assert.False(world.HasAppConnection);

        await world.TellLeaving(ProtectionMode.Strict);
        using var app = await world.Accept();
        Assert.Equal(Greeting, await Receive(app, Greeting.Length));
        Assert.Equal(0, world.Refused(RefusalReason.PlaintextUnderStrict));
    }

    [Fact]
    public async Task Plaintext_of_a_pod_in_the_mesh_is_refused_under_STRICT_after_a_second_in_which_nothing_was_told()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Strict);
        using var client = await world.Connect(AppPortWorld.EnrolledPeer);
        await client.SendAsync(Greeting);
        await world.Pass(500);
        await world.TellAnythingElse();
        await world.Pass(450);
        Assert.Equal(0, world.Refused(RefusalReason.PlaintextUnderStrict));
        await world.Pass(50);
        await world.Pass(25);   // a timer of the loop is up to 8 ms late
        await ExpectReset(client);
        Assert.Equal(1, world.Refused(RefusalReason.PlaintextUnderStrict));
        Assert.False(world.HasAppConnection);
    }

    [Theory]
    [InlineData(int.MaxValue)]
    [InlineData(300)]
    public async Task A_tunnels_hello_that_comes_after_the_apps_bytes_were_let_through_is_answered_by_a_reset(int pieceBytes)
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive);
        using var client = await world.Connect(AppPortWorld.EnrolledPeer);
        await world.Pass(100);
        using var app = await world.Accept();
        foreach (byte[] piece in Hellos.OfDotnet(TunnelEntries.OriginalPortProtocol).Chunk(pieceBytes))
        {
            await client.SendAsync(piece);
            await world.Settle();
        }

        await ExpectReset(client);
        await ExpectReset(app);   // and no byte of the hello
        Assert.Equal(1, world.Refused(RefusalReason.TunnelTooLate));
    }

    [Fact]
    public async Task With_the_setting_off_nothing_is_looked_at()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive, isOnOriginalPort: false);
        using var client = await world.Connect(AppPortWorld.EnrolledPeer);
        byte[] hello = Hellos.OfDotnet(TunnelEntries.OriginalPortProtocol);
        await client.SendAsync(hello);
        using var app = await world.Accept();
        Assert.Equal(hello, await Receive(app, hello.Length));
    }

    [Fact]
    public async Task A_client_that_resets_while_it_is_looked_at_is_a_reset_to_the_app_and_leaves_nothing_behind()
    {
        await using var world = await AppPortWorld.Start(ProtectionMode.Permissive);
        var client = await world.Connect(AppPortWorld.EnrolledPeer);
        await client.SendAsync(Hellos.OfDotnet("h2")[..10]);
        await world.Pass(30);
        client.LingerState = new LingerOption(true, 0);
        client.Dispose();
        using var app = await world.Accept();
        var fault = await Assert.ThrowsAsync<SocketException>(() => app.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);   // a reset stays one
        // The end of the world checks buffers, timers and registrations.
    }

    private static async Task<Link> OpenLink(AppPortWorld world, Socket client)
    {
        int fd = (int)client.SafeHandle.DangerousGetHandle();
        client.Blocking = false;
        client.SafeHandle.SetHandleAsInvalid(); // the loop closes it
        var credentials = world.WebCredentials();
        var done = new TaskCompletionSource<TlsConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await world.Run(() => TlsConnection.Start(
            world.Loop, fd, credentials.ClientOf(TunnelEntry.OriginalPort), null, TimeSpan.FromSeconds(10),
            (tls, isOk) =>
            {
                if (isOk) done.SetResult(tls);
                else done.SetException(new InvalidOperationException(tls.HandshakeFailure));
            }));
        var connection = await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(TunnelEntries.OriginalPortProtocol, connection.Session.Alpn);
        return await world.Run(() => Link.Start(connection, isServer: false, new TunnelPair.ClientOwner(), new LinkOptions(), new WindowBudget(64 << 20)));
    }

    private static async Task<TunnelPair.Opener> Ask(AppPortWorld world, Link link, IPEndPoint target)
    {
        var opener = new TunnelPair.Opener();
        await world.Run(() => link.Open(new ConnectRequest(target, new IPEndPoint(AppPortWorld.EnrolledPeer, 40_000), null), opener));
        return opener;
    }

    private static async Task<byte[]> Receive(Socket socket, int count)
    {
        byte[] bytes = new byte[count];
        for (int read = 0; read < count;)
        {
            int some = await socket.ReceiveAsync(bytes.AsMemory(read)).AsTask().WaitAsync(TimeSpan.FromSeconds(10));
            if (some == 0) throw new EndOfStreamException($"the stream ended after {read} of {count} bytes");
            read += some;
        }

        return bytes;
    }

    private static async Task ExpectReset(Socket socket)
    {
        var fault = await Assert.ThrowsAsync<SocketException>(() => socket.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);
    }
}
