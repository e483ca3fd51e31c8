using System.Net;
using System.Net.Sockets;
using Ambient.Native.Tls;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Identity;
using Ambient.Tests.Unit.Engine;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>Links opened ahead: over real sockets and TLS, to a peer of the test's own.</summary>
public sealed class LinkPoolTests
{
    [Fact]
    public async Task A_pair_used_lately_has_its_next_link_before_it_asks_when_the_peer_takes_no_more_and_once_only()
    {
        await using var world = await World.Start();
        var first = await world.Acquire();

        await world.Loop.Run(() => world.Peers[0].Drain("the peer wants a new one"));
        await world.Loop.Until(() => world.Peers.Count == 2, "the link opened ahead");
        Assert.Equal(1, await world.Loop.Run(() => world.Context.Warm.Count));

        // Nobody used it: its end is not followed by another one.
        await world.Loop.Run(() => world.Peers[1].Drain("the peer wants a new one"));
        await world.Loop.Until(() => world.Pool.Count == 0 && world.Context.Warm.Count == 0, "the end of the unused link");
        Assert.Equal(2, world.Peers.Count);
        Assert.True(await world.Loop.Run(() => first.IsClosed));
    }

    [Fact]
    public async Task A_link_opened_ahead_is_the_one_that_the_next_connection_gets()
    {
        await using var world = await World.Start();
        await world.Acquire();
        await world.Loop.Run(() => world.Peers[0].Drain("the peer wants a new one"));
        await world.Loop.Until(() => world.Peers.Count == 2 && world.Pool.Count == 1, "the link opened ahead");

        await world.Acquire();
        Assert.Equal(2, world.Peers.Count);
        Assert.Equal(0, await world.Loop.Run(() => world.Context.Warm.Count));
    }

    [Fact]
    public async Task A_renewed_certificate_opens_the_links_of_pairs_used_lately_under_the_new_one()
    {
        await using var world = await World.Start();
        await world.Acquire();

        var renewed = world.Renew();
        await world.Loop.Run(() => world.Pool.Renew(renewed));
        await world.Loop.Until(() => world.Peers.Count == 2, "the link opened ahead");
        await world.Acquire(renewed);
        Assert.Equal(2, world.Peers.Count);
    }

    [Theory]
    [InlineData(0, 60)]     // no room for links opened ahead
    [InlineData(64, 0)]     // the pair was used too long ago
    public async Task Without_room_or_without_use_nothing_is_opened_ahead(int room, int seconds)
    {
        await using var world = await World.Start(new LinkOptions { MaxWarmLinks = room, WarmFor = TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1) });
        await world.Acquire();
        await world.Loop.Run(() => world.Peers[0].Drain("the peer wants a new one"));
        await world.Loop.Until(() => world.Pool.Count == 0, "the end of the link");

        await world.Acquire();
        Assert.Equal(2, world.Peers.Count);
    }

    [Fact]
    public async Task A_pod_that_leaves_opens_nothing_ahead()
    {
        await using var world = await World.Start();
        await world.Acquire();
        await world.Loop.Run(world.Pool.Drain);
        await world.Loop.Until(() => world.Pool.Count == 0, "the end of the link");
        Assert.Equal(0, await world.Loop.Run(() => world.Context.Warm.Count));
        Assert.Single(world.Peers);
    }

    private sealed class World : ISocketSource, IAsyncDisposable
    {
        private static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web"), Api = SpiffeId.Of("cluster.local", "shop", "api");

        private readonly TestAuthority _authority = new();
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly TlsContext _server;
        private readonly TunnelPair.ServerOwner _owner = new();
        private readonly List<LinkCredentials> _credentials = [];
        private readonly Task _accepting;

        private World(LinkOptions options)
        {
            _server = TlsContext.Server(_authority.Settings(Api.ToString()));
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(16);
            Context = new LinkContext(options, new DataPathMetrics(1).ForLoop(0), TimeProvider.System, NullLogger.Instance);
            Pool = new LinkPool(Loop.Loop, this, Context, new WindowBudget(1 << 24));
            _accepting = AcceptAsync();
        }

        public TestLoop Loop { get; } = new();

        public LinkContext Context { get; }

        public LinkPool Pool { get; }

        /// <summary>The peer's ends of all links so far.</summary>
        public List<Link> Peers { get; } = [];

        public static Task<World> Start(LinkOptions? options = null)
        {
            var world = new World(options ?? new LinkOptions());
            world.Renew();
            return Task.FromResult(world);
        }

        public LinkCredentials Renew()
        {
            var (chain, key) = _authority.Issue(Web.ToString());
            var now = TimeProvider.System.GetUtcNow();
            var svid = new Svid(Web, _credentials.Count + 1, [chain], key, now.AddMinutes(-5), now.AddHours(1), [_authority.RootDer]);
            _credentials.Add(new LinkCredentials(svid));
            return _credentials[^1];
        }

        /// <summary>A link as a connection gets it; the peer has it too.</summary>
        public async Task<Link> Acquire(LinkCredentials? credentials = null)
        {
            var with = credentials ?? _credentials[0];
            var key = new LinkKey("api-1", (IPEndPoint)_listener.LocalEndPoint!, TunnelEntry.TunnelPort, Api, with.Svid.Generation);
            var waiter = new Waiter();
            await Loop.Run(() => Pool.Acquire(key, with, waiter));
            var link = await waiter.Link.Task.WaitAsync(TimeSpan.FromSeconds(10));
            await Loop.Until(() => Peers.Count(peer => !peer.IsClosed) == Pool.Count, "the peer's end");
            return link;
        }

        public void Take(ISocketTaker taker)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            int fd = (int)socket.SafeHandle.DangerousGetHandle();
            socket.SafeHandle.SetHandleAsInvalid(); // the taker closes it
            taker.OnSocket(fd);
        }

        public void Cancel(ISocketTaker taker)
        {
        }

        public async ValueTask DisposeAsync()
        {
            _listener.Dispose();
            await _accepting;
            await Loop.Run(() => Pool.End("the test is over"));
            await Loop.Run(() => Peers.ForEach(peer => peer.Abort(ConnectionFault.Ended, "the test is over")));
            await Loop.DisposeAsync();
            _credentials.ForEach(each => each.Dispose());
            _server.Dispose();
            _authority.Dispose();
        }

        private async Task AcceptAsync()
        {
            while (true)
            {
                Socket accepted;
                try
                {
                    accepted = await _listener.AcceptAsync();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return; // the test is over
                }

                accepted.Blocking = false;
                int fd = (int)accepted.SafeHandle.DangerousGetHandle();
                accepted.SafeHandle.SetHandleAsInvalid(); // the loop closes it
                await Loop.Run(() => TlsConnection.Start(Loop.Loop, fd, _server, null, TimeSpan.FromSeconds(10), (tls, ok) =>
                {
                    if (ok) Peers.Add(Link.Start(tls, isServer: true, _owner, Context.Options, new WindowBudget(1 << 24)));
                }));
            }
        }

        private sealed class Waiter : ILinkWaiter
        {
            public TaskCompletionSource<Link> Link { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public void OnLink(Link link) => Link.SetResult(link);

            public void OnNoLink(RefusalReason reason, string detail) => Link.SetException(new InvalidOperationException($"{reason}: {detail}"));
        }
    }
}
