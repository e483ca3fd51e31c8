using System.Net.Sockets;
using System.Security.Cryptography;
using Ambient.Native.Tls;
using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

public sealed class TlsConnectionTests : IDisposable
{
    private const string Web = "spiffe://cluster.local/ns/shop/sa/web";
    private const string Api = "spiffe://cluster.local/ns/shop/sa/api";
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(32 * 1024 * 1024)]
    public async Task Two_ends_prove_themselves_and_carry_every_byte_both_ways(int bytes)
    {
        await using var loop = new TestLoop();
        using var left = await SocketPair.Connect();
        using var right = await SocketPair.Connect();
        var (a, b) = await TlsOnLoop.Handshake(loop, TlsContext.Client(_authority.Settings(Web)), TlsContext.Server(_authority.Settings(Api)));
        Assert.Equal(Api, Assert.Single(a.Session.Peer!.UriSans));
        Assert.Equal(Web, Assert.Single(b.Session.Peer!.UriSans));
        Assert.True(a.Session.VerifyPeerChain(out _));

        // app <-> a ==TLS== b <-> app
        var ends = new Ends(2);
        await loop.Run(() =>
        {
            Relay.Start(SocketConnection.Adopt(loop.Loop, left.InsideFd), a, ends);
            Relay.Start(b, SocketConnection.Adopt(loop.Loop, right.InsideFd), ends);
        });
        var sent = new byte[bytes];
        new Random(11).NextBytes(sent);
        var work = new[] { Send(left.Outside, sent), Send(right.Outside, sent) };
        var got = await Task.WhenAll(HashToEnd(right.Outside), HashToEnd(left.Outside));
        await Task.WhenAll(work);
        Assert.All(got, hash => Assert.Equal(SHA256.HashData(sent), hash));
        await ends.All;
    }

    [Fact]
    public async Task A_peer_that_speaks_no_TLS_is_refused_with_a_reason()
    {
        await using var loop = new TestLoop();
        using var pair = await SocketPair.Connect();
        using var context = TlsContext.Server(_authority.Settings(Api));
        var failure = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.Run(() => TlsConnection.Start(
            loop.Loop, pair.InsideFd, context, null, TimeSpan.FromSeconds(5), (tls, ok) => failure.SetResult(ok ? null : tls.HandshakeFailure)));
        await pair.Outside.SendAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        Assert.NotNull(await failure.Task.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task A_peer_that_says_nothing_is_refused_after_the_deadline()
    {
        await using var loop = new TestLoop();
        using var pair = await SocketPair.Connect();
        using var context = TlsContext.Server(_authority.Settings(Api));
        var timedOut = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await loop.Run(() => TlsConnection.Start(
            loop.Loop, pair.InsideFd, context, null, TimeSpan.FromMilliseconds(100), (tls, ok) => timedOut.SetResult(!ok && tls.HandshakeTimedOut)));
        Assert.True(await timedOut.Task.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task A_session_is_resumed_and_its_peer_is_known_and_checked_again()
    {
        await using var loop = new TestLoop();
        using var clientContext = TlsContext.Client(_authority.Settings(Web));
        using var serverContext = TlsContext.Server(_authority.Settings(Api));
        var tickets = new List<TlsTicket>();
        for (int round = 0; round < 2; round++)
        {
            var ticket = tickets.Count > 0 ? tickets[^1] : null;
            var (a, b) = await TlsOnLoop.Handshake(loop, clientContext, serverContext, ticket);
            Assert.Equal(round == 1, a.Session.IsResumed);
            Assert.Equal(Api, Assert.Single(a.Session.Peer!.UriSans));
            Assert.Equal(Web, Assert.Single(b.Session.Peer!.UriSans));
            Assert.True(await loop.Run(() => a.Session.VerifyPeerChain(out _) && b.Session.VerifyPeerChain(out _)));
            await loop.Run(() =>
            {
                a.TicketArrived = tickets.Add;
                a.Pull(new byte[1], out _);
            });
            await loop.Until(() =>
            {
                a.Pull(new byte[1], out _);
                return tickets.Count > 0;
            }, "a ticket");
            await loop.Run(() =>
            {
                a.Abort(ConnectionFault.Ended);
                b.Abort(ConnectionFault.Ended);
            });
        }

        foreach (var ticket in tickets) ticket.Dispose();
    }

    private static async Task Send(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes)..];
        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task<byte[]> HashToEnd(Socket socket)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var room = new byte[256 * 1024];
        while (await socket.ReceiveAsync(room).WaitAsync(TimeSpan.FromSeconds(60)) is var n and > 0) hash.AppendData(room.AsSpan(0, n));
        return hash.GetHashAndReset();
    }

    private sealed class Ends(int expected) : IRelayOwner
    {
        private readonly TaskCompletionSource _all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = expected;

        public Task All => _all.Task.WaitAsync(TimeSpan.FromSeconds(30));

        public void OnRelayEnded(Relay relay, Connection? broken)
        {
            if (--_left == 0) _all.SetResult();
        }
    }
}
