using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Ambient.Native.Tls;
using Ambient.NodeProxy.Inbound;
using Ambient.NodeProxy.Telemetry;
using Microsoft.Extensions.Time.Testing;
using TestAuthority = Ambient.Tests.Unit.Native.Tls.TestAuthority;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>Peers that do not get past the handshake: each is told, counted and named in the log, and a good connection beside it goes on.</summary>
public sealed class HostileHandshakeTests
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    [Theory]
    [InlineData("no certificate", RefusalReason.PeerUntrusted, "no certificate")]
    [InlineData("another authority", RefusalReason.PeerUntrusted, "certificate")]
    [InlineData("another trust domain", RefusalReason.PeerUntrusted, "not of trust domain cluster.local")]
    [InlineData("expired", RefusalReason.PeerUntrusted, "certificate has expired")]
    [InlineData("not yet valid", RefusalReason.PeerUntrusted, "certificate is not yet valid")]
    [InlineData("two URIs", RefusalReason.PeerUntrusted, "several URIs")]
    [InlineData("a URI that is no SPIFFE ID", RefusalReason.PeerUntrusted, "no SPIFFE ID (https://shop.example/web)")]
    [InlineData("a DNS name only", RefusalReason.PeerUntrusted, "no SPIFFE ID")]
    [InlineData("no client usage", RefusalReason.PeerUntrusted, "certificate")]
    [InlineData("TLS 1.2", RefusalReason.HandshakeFailed, "TLS 1.3")]
    [InlineData("no ALPN", RefusalReason.HandshakeFailed, "ALPN")]
    [InlineData("another ALPN", RefusalReason.HandshakeFailed, "ALPN")]
    public async Task A_peer_that_cannot_prove_itself_is_refused_with_a_reason(string what, RefusalReason reason, string text)
    {
        await using var world = await InboundWorld.StartAsync();
        var neighbour = await world.NeighbourAsync();
        string[] web = ["spiffe://cluster.local/ns/shop/sa/web"];
        TlsSettings? settings = what switch
        {
            "no certificate" => null,
            "another authority" => new TestAuthority().Issue(web),
            "another trust domain" => world.Authority.Issue(["spiffe://elsewhere.example/ns/shop/sa/web"]),
            "expired" => world.Authority.Issue(web, notBefore: Now.AddHours(-2), notAfter: Now.AddMinutes(-1)),
            "not yet valid" => world.Authority.Issue(web, notBefore: Now.AddMinutes(5), notAfter: Now.AddHours(1)),
            "two URIs" => world.Authority.Issue([.. web, "spiffe://cluster.local/ns/shop/sa/admin"]),
            "a URI that is no SPIFFE ID" => world.Authority.Issue(["https://shop.example/web"]),
            "a DNS name only" => world.Authority.Issue([]),
            "no client usage" => world.Authority.Issue(web, client: false),
            _ => world.Authority.Issue(web),
        };

        // A client of TLS 1.3 learns of its own certificate's refusal with its first read.
        var fault = await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            var tls = await world.DialTlsAsync(
                settings, what switch { "no ALPN" => null, "another ALPN" => "http/1.1", _ => "h2" }, what == "TLS 1.2" ? SslProtocols.Tls12 : SslProtocols.Tls13);
            if (await tls.ReadAsync(new byte[1]) == 0) throw new IOException("ended");
        });
        Assert.True(fault is IOException or AuthenticationException or SocketException, fault.ToString());

        await world.IsRefusedAsync(reason, text);
        Assert.Equal(1, world.HandshakesFailed(reason));
        await neighbour.EchoesAsync(1, "after");
        Assert.Equal(1, await world.LinksAsync());
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: api\r\n\r\n", "HTTP")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "not TLS")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "")]
    [InlineData("\u0016\u0003\u0001\u00ff\u00ff\u0001\u0000\u0000\u0001", "")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005\u0001\u0000\u0000\u0001\u0000", "")]
    [InlineData("\u0015\u0003\u0003\u0000\u0002\u0002\u0028", "")]
    public async Task Bytes_that_are_no_TLS_are_refused_with_a_reason(string bytes, string text)
    {
        await using var world = await InboundWorld.StartAsync();
        var neighbour = await world.NeighbourAsync();
        var socket = await world.DialAsync();
        await socket.SendAsync(Encoding.Latin1.GetBytes(bytes));
        await EndsAsync(socket);
        await world.IsRefusedAsync(RefusalReason.HandshakeFailed, text);
        await neighbour.EchoesAsync(1, "after");
    }

    [Fact]
    public async Task A_peer_that_leaves_in_the_middle_of_its_hello_is_named()
    {
        await using var world = await InboundWorld.StartAsync();
        var socket = await world.DialAsync();
        await socket.SendAsync(HalfAHello);
        socket.Shutdown(SocketShutdown.Send);
        await EndsAsync(socket);
        await world.IsRefusedAsync(RefusalReason.HandshakeFailed, "closed the connection during the handshake");
    }

    [Theory]
    [InlineData("silence")]
    [InlineData("half a hello")]
    [InlineData("a hello and then silence")]
    public async Task A_handshake_that_stalls_ends_at_its_tick_and_not_one_earlier(string what)
    {
        // Early in the first year: a timestamp of our days has more ticks than a double can tell apart, and TimeProvider counts in those.
        var time = new FakeTimeProvider(new DateTimeOffset(1, 1, 2, 0, 0, 0, TimeSpan.Zero));
        await using var world = await InboundWorld.StartAsync(time);
        var socket = await world.DialAsync();
        Task? stalled = null;
        if (what == "half a hello") await socket.SendAsync(HalfAHello);
        if (what == "a hello and then silence")
        {
            // A client that never reads the server's flight, so that its own second one never comes.
            var tls = world.Own(new SslStream(new OneWayStream(socket)));
            stalled = tls.AuthenticateAsClientAsync("");
        }

        await world.Loop.Until(() => world.Loop.Loop.Timers.Count == 1, "the deadline is armed");
        // Deadlines fire when their slot of 8 ms is wholly past.
        long slot = 8 * TimeSpan.TicksPerMillisecond;
        long start = world.Loop.Loop.NowTicks;
        long fires = (((start + TimeSpan.FromSeconds(10).Ticks) / slot) + 1) * slot;
        foreach (long last in (long[])[start + TimeSpan.FromSeconds(10).Ticks - 1, fires - 1])
        {
            time.Advance(TimeSpan.FromTicks(last - world.Loop.Loop.NowTicks));
            Assert.Equal(1, await world.LinksAsync());
            Assert.Equal(1, await world.LinksAsync()); // the first only woke the loop; this one came after its timers
        }

        Assert.Equal(0, world.Refused(RefusalReason.HandshakeTimedOut));

        time.Advance(TimeSpan.FromTicks(1));
        await world.IsRefusedAsync(RefusalReason.HandshakeTimedOut, "took too long");
        Assert.Equal(1, world.HandshakesFailed(RefusalReason.HandshakeTimedOut));
        Assert.Equal(0, await world.LinksAsync());
        if (stalled is null) await EndsAsync(socket);
    }

    [Fact]
    public async Task A_session_of_an_identity_that_was_renewed_is_not_resumed_and_one_of_a_removed_root_is_refused()
    {
        await using var world = await InboundWorld.StartAsync();
        using var client = TlsContext.Client(world.Authority.Issue(["spiffe://cluster.local/ns/shop/sa/web"]));
        var first = await world.ResumeAsync(client, null);
        Assert.False(first.IsResumed);
        var second = await world.ResumeAsync(client, first.Ticket);
        Assert.True(second.IsResumed);

        // The pod's certificate is another one: its old tickets say nothing any more.
        world.Renew(world.Authority);
        var third = await world.ResumeAsync(client, second.Ticket);
        Assert.False(third.IsResumed);

        // The client's root is not trusted any more: a ticket from the time before does not help.
        world.Renew(world.Authority, trusts: new TestAuthority());
        var fourth = await world.ResumeAsync(client, third.Ticket);
        Assert.True(fourth.IsRefused);
        await world.IsRefusedAsync(RefusalReason.PeerUntrusted, "certificate");
    }

    [Fact]
    public async Task Thousands_of_half_open_handshakes_of_one_address_are_held_at_its_share_and_others_get_through()
    {
        await using var world = await InboundWorld.StartAsync();
        for (int i = 0; i < 2_000; i++)
        {
            try
            {
                await world.DialAsync(from: "127.0.0.66");
            }
            catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionReset)
            {
                // Refused before we looked.
            }
        }

        await world.UntilAsync(() => world.Refused(RefusalReason.Overloaded) == 2_000 - TunnelShares.MaxHandshakesOfAddress, "all the others are refused");
        Assert.Equal(TunnelShares.MaxHandshakesOfAddress, await world.LinksAsync());
        await world.IsRefusedAsync(RefusalReason.Overloaded, "handshakes of 127.0.0.66");

        var honest = await world.NeighbourAsync();
        await honest.EchoesAsync(1, "after");
    }

    [Fact]
    public async Task Handshakes_from_more_addresses_than_there_are_places_cost_the_oldest_and_never_the_newest()
    {
        await using var world = await InboundWorld.StartAsync();
        for (int i = 0; i < 1_000; i++) await world.DialAsync(from: $"127.0.{1 + (i / 50)}.66");
        await world.UntilAsync(() => world.HandshakesFailed(RefusalReason.Overloaded) == 1_000 - TunnelShares.MaxHandshakes, "the oldest made room");
        Assert.Equal(TunnelShares.MaxHandshakes, await world.LinksAsync());
        var honest = await world.NeighbourAsync();
        await honest.EchoesAsync(1, "after");
        await world.IsRefusedAsync(RefusalReason.Overloaded, "made room for a new one");
    }

    // The beginning of a ClientHello of 508 bytes.
    private static readonly byte[] HalfAHello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, .. new byte[120]];

    private static async Task EndsAsync(Socket socket)
    {
        using var timer = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        try
        {
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, timer.Token) > 0)
            {
            }
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Ended while bytes of ours were unread: an end as well.
        }
    }
}
