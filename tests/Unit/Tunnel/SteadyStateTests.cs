using System.Net;
using Ambient.Native.Tls;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Tunnel;
using Ambient.Tests.Unit.Engine;

namespace Ambient.Tests.Unit.Tunnel;

public sealed class SteadyStateTests
{
    [Fact]
    public async Task A_hundred_thousand_requests_and_answers_through_a_TLS_tunnel_allocate_nothing()
    {
        using var authority = new TestAuthority();
        await using var loop = new TestLoop();
        using var clientContext = TlsContext.Client(authority.Settings("spiffe://cluster.local/ns/shop/sa/web"));
        using var serverContext = TlsContext.Server(authority.Settings("spiffe://cluster.local/ns/shop/sa/api"));
        var (clientTls, serverTls) = await TlsOnLoop.Handshake(loop, clientContext, serverContext);
        var events = new TunnelPair.ServerOwner();
        var client = await loop.Run(() =>
        {
            Link.Start(serverTls, true, events, new LinkOptions(), new WindowBudget(1 << 30));
            return Link.Start(clientTls, false, new TunnelPair.ClientOwner(), new LinkOptions(), new WindowBudget(1 << 30));
        });
        var opener = new TunnelPair.Opener();
        await loop.Run(() => client.Open(new ConnectRequest(IPEndPoint.Parse("10.0.0.1:80"), IPEndPoint.Parse("10.0.0.2:1"), null), opener));
        await loop.Until(() => events.Requests.Count == 1, "the request");
        await loop.Run(() => events.Requests[0].Stream.Accept());
        await loop.Until(() => opener.Opened is not null, "the answer");

        var asking = new Player(opener.Opened!);
        var answering = new Player(events.Requests[0].Stream);
        asking.Other = answering;
        answering.Other = asking;
        await loop.Run(() => asking.Play(5_000)); // tiering, pools, windows
        await loop.Until(() => asking.IsDone, "the warm-up");
        long before = await loop.Run(() =>
        {
            asking.Play(100_000);
            return GC.GetAllocatedBytesForCurrentThread();
        });
        await asking.Done.Task.WaitAsync(TimeSpan.FromMinutes(2));
        long allocated = await loop.Run(GC.GetAllocatedBytesForCurrentThread) - before;

        // The questions to the loop and a pool that grows by a buffer allocate once (16,704 bytes seen); one object a request
        // would be 2,400,000.
        Assert.InRange(allocated, 0, 50_000);
        await loop.Run(() =>
        {
            client.Abort(ConnectionFault.Ended, "the test is over");
            events.Requests[0].Stream.Link.Abort(ConnectionFault.Ended, "the test is over");
        });
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

        public Player(Connection connection)
        {
            _connection = connection;
            connection.Receiver = this;
            connection.Sender = this;
            connection.Owner = this;
        }

        public Player Other { get; set; } = null!;

        public bool IsDone => _left == 0;

        public TaskCompletionSource Done { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Play(int rounds)
        {
            Done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _left = rounds;
            Send();
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
                Done.SetResult();
            }
        }
    }
}
