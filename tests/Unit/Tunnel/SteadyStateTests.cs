using System.Net;
using System.Net.Sockets;
using Ambient.Native.Tls;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Tunnel;
using Ambient.Tests.Unit.Engine;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>The data path allocates nothing once it runs: exactly, counted on the thread that carries it.</summary>
public sealed class SteadyStateTests
{
    [Fact]
    public async Task A_hundred_thousand_requests_and_answers_through_a_TLS_tunnel_allocate_nothing()
    {
        await using var link = await TlsLink.Start();
        var (loop, client, events) = (link.Loop, link.Client, link.Events);
        var opener = new TunnelPair.Opener();
        await loop.Run(() => client.Open(new ConnectRequest(IPEndPoint.Parse("10.0.0.1:80"), IPEndPoint.Parse("10.0.0.2:1"), null), opener));
        await loop.Until(() => events.Requests.Count == 1, "the request");
        await loop.Run(() => events.Requests[0].Stream.Accept());
        await loop.Until(() => opener.Opened is not null, "the answer");

        var asking = new Player(opener.Opened!);
        var answering = new Player(events.Requests[0].Stream);
        asking.Other = answering;
        answering.Other = asking;
        await asking.PlayOn(loop.Loop, 20_000); // tiering, pools, windows
        await asking.PlayOn(loop.Loop, 100_000);
        await link.End();
        Assert.Equal(0, asking.Allocated);
    }

    [Fact]
    public async Task A_hundred_thousand_requests_from_app_to_app_allocate_nothing_in_the_proxies()
    {
        const int Connections = 8, Requests = 100_000;
        await using var link = await TlsLink.Start();
        var (loop, client, events) = (link.Loop, link.Client, link.Events);
        var conversations = new List<Conversation>();
        for (int i = 0; i < Connections; i++) conversations.Add(await Conversation.Start(loop, client, events));

        await Task.WhenAll(conversations.Select(one => one.Hold(3_000))); // tiering, pools, windows
        long before = AllocatedOn(loop.Loop);
        await Task.WhenAll(conversations.Select(one => one.Hold(Requests / Connections)));
        long allocated = AllocatedOn(loop.Loop) - before;

        foreach (var one in conversations) await one.End();
        await link.End();
        Assert.Equal(0, allocated);
    }

    // Asked so that the asking itself allocates nothing on the loop's thread.
    private static long AllocatedOn(EventLoop loop)
    {
        long allocated = 0;
        using var answered = new ManualResetEventSlim();
        loop.Post(() =>
        {
            allocated = GC.GetAllocatedBytesForCurrentThread();
            answered.Set();
        });
        answered.Wait(TestContext.Current.CancellationToken);
        return allocated;
    }

    /// <summary>A link by TLS with both its ends on one loop.</summary>
    private sealed class TlsLink : IAsyncDisposable
    {
        private readonly TestAuthority _authority = new();
        private readonly TlsContext _clientContext, _serverContext;

        private TlsLink()
        {
            _clientContext = TlsContext.Client(_authority.Settings("spiffe://cluster.local/ns/shop/sa/web"));
            _serverContext = TlsContext.Server(_authority.Settings("spiffe://cluster.local/ns/shop/sa/api"));
        }

        public TestLoop Loop { get; } = new();

        public Link Client { get; private set; } = null!;

        public TunnelPair.ServerOwner Events { get; } = new();

        public static async Task<TlsLink> Start()
        {
            var link = new TlsLink();
            var (clientTls, serverTls) = await TlsOnLoop.Handshake(link.Loop, link._clientContext, link._serverContext);
            link.Client = await link.Loop.Run(() =>
            {
                Link.Start(serverTls, true, link.Events, new LinkOptions(), new WindowBudget(1 << 30));
                return Link.Start(clientTls, false, new TunnelPair.ClientOwner(), new LinkOptions(), new WindowBudget(1 << 30));
            });
            return link;
        }

        /// <summary>Both ends of a link that carried a request.</summary>
        public Task End() => Loop.Run(() =>
        {
            Client.Abort(ConnectionFault.Ended, "the test is over");
            Events.Requests[0].Stream.Link.Abort(ConnectionFault.Ended, "the test is over");
        });

        // In the reverse of the order that they were made in.
        public async ValueTask DisposeAsync()
        {
            _serverContext.Dispose();
            _clientContext.Dispose();
            await Loop.DisposeAsync();
            _authority.Dispose();
        }
    }

    /// <summary>
    /// A connection as the product carries it: app, relay, stream, TLS, stream, relay, app. The apps are threads with sockets of
    /// their own, so that what the loop's thread does is the proxies' work alone.
    /// </summary>
    private sealed class Conversation(SocketPair asking, SocketPair answering) : IRelayOwner
    {
        private const int MessageBytes = 1024;
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _open = 2;

        public static async Task<Conversation> Start(TestLoop loop, Link client, TunnelPair.ServerOwner events)
        {
            var opener = new TunnelPair.Opener();
            int index = await loop.Run(() => events.Requests.Count);
            var conversation = new Conversation(await SocketPair.Connect(), await SocketPair.Connect());
            await loop.Run(() => client.Open(new ConnectRequest(IPEndPoint.Parse("10.0.0.1:80"), IPEndPoint.Parse("10.0.0.2:1"), null), opener));
            await loop.Until(() => events.Requests.Count > index, "the request");
            await loop.Run(() =>
            {
                events.Requests[index].Stream.Accept();
                Relay.Start(events.Requests[index].Stream, SocketConnection.Adopt(loop.Loop, conversation.Answering.InsideFd), conversation);
            });
            await loop.Until(() => opener.Opened is not null, "the answer");
            await loop.Run(() => Relay.Start(SocketConnection.Adopt(loop.Loop, conversation.Asking.InsideFd), opener.Opened!, conversation));
            return conversation;
        }

        private SocketPair Asking => asking;

        private SocketPair Answering => answering;

        /// <summary>So many requests of 1 KB, each answered by as much.</summary>
        public Task Hold(int requests) => Task.WhenAll(
            OnThread(() =>
            {
                var (message, room) = (new byte[MessageBytes], new byte[MessageBytes]);
                for (int i = 0; i < requests; i++)
                {
                    asking.Outside.Send(message);
                    ReceiveWhole(asking.Outside, room);
                }
            }),
            OnThread(() =>
            {
                var room = new byte[MessageBytes];
                for (int i = 0; i < requests; i++)
                {
                    ReceiveWhole(answering.Outside, room);
                    answering.Outside.Send(room);
                }
            })).WaitAsync(TimeSpan.FromMinutes(2));

        public async Task End()
        {
            asking.Outside.Shutdown(SocketShutdown.Send);
            answering.Outside.Shutdown(SocketShutdown.Send);
            await _ended.Task.WaitAsync(TimeSpan.FromSeconds(20));
            asking.Dispose();
            answering.Dispose();
        }

        void IRelayOwner.OnRelayEnded(Relay relay, Connection? broken)
        {
            Assert.Null(broken);
            if (--_open == 0) _ended.SetResult();
        }

        private static void ReceiveWhole(Socket socket, byte[] room)
        {
            for (int got = 0; got < room.Length;)
            {
                int some = socket.Receive(room.AsSpan(got));
                Assert.True(some > 0, "the connection has ended");
                got += some;
            }
        }

        private static Task OnThread(Action work) => Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Sends a message of 1 KB when the other player's has come in whole.</summary>
    private sealed class Player : IByteSink, IByteSource, IConnectionOwner
    {
        private const int MessageBytes = 1024;
        private readonly Connection _connection;
        private readonly byte[] _room = new byte[4096];
        private int _toSend;
        private int _received;
        private int _left;
        private long _allocatedBefore;
        private TaskCompletionSource _done = new();

        public Player(Connection connection)
        {
            _connection = connection;
            connection.Receiver = this;
            connection.Sender = this;
            connection.Owner = this;
        }

        public Player Other { get; set; } = null!;

        /// <summary>Bytes that the loop's thread allocated from the first message to the last.</summary>
        public long Allocated { get; private set; }

        public Task PlayOn(EventLoop loop, int rounds)
        {
            _done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            loop.Post(() =>
            {
                _left = rounds;
                _allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
                Send();
            });
            return _done.Task.WaitAsync(TimeSpan.FromMinutes(2));
        }

        public int Push(ReadOnlySpan<byte> bytes)
        {
            Count(bytes.Length);
            return bytes.Length;
        }

        public void SourceReady()
        {
            while (_connection.Pull(_room, out int bytes) == PullOutcome.Bytes) Count(bytes);
        }

        public PullOutcome Pull(Span<byte> into, out int bytes)
        {
            bytes = Math.Min(_toSend, into.Length);
            _toSend -= bytes;
            return bytes > 0 ? PullOutcome.Bytes : PullOutcome.Empty;
        }

        public void OnSendEnded(Connection connection)
        {
        }

        public void OnBroken(Connection connection)
        {
        }

        private void Send()
        {
            _toSend += MessageBytes;
            _connection.SourceReady();
        }

        private void Count(int bytes)
        {
            _received += bytes;
            if (_received < MessageBytes) return;
            _received -= MessageBytes;
            if (_left == 0)
            {
                Send(); // the one who answers
            }
            else if (--_left > 0)
            {
                Send();
            }
            else
            {
                Allocated = GC.GetAllocatedBytesForCurrentThread() - _allocatedBefore;
                _done.SetResult();
            }
        }
    }
}
