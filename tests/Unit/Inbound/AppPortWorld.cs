using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Inbound;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;
using Ambient.Tests.Unit.Discovery;
using Ambient.Tests.Unit.Engine;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using TestAuthority = Ambient.Tests.Unit.Engine.TestAuthority;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>
/// The server side of one node with one pod, on loopback: the pod's app is a listener of the test, its peers are addresses of
/// 127.0.0.0/8. The loop's clock moves only when the test says so.
/// </summary>
internal sealed class AppPortWorld : IAsyncDisposable, ISocketRequester
{
    public const string Uid = "api";
    public static readonly IPAddress EnrolledPeer = IPAddress.Parse("127.0.0.2"), PlainPeer = IPAddress.Parse("127.0.0.3"),
        UnknownPeer = IPAddress.Parse("127.0.0.4"), OwnNode = IPAddress.Parse("127.0.0.8"), OtherNode = IPAddress.Parse("127.0.0.9");

    private static readonly SpiffeId Api = SpiffeId.Of("cluster.local", "shop", "api"), Web = SpiffeId.Of("cluster.local", "shop", "web");

    private readonly FakeTimeProvider _clock = new();
    private readonly TestLoop _loop;
    private readonly TestAuthority _authority = new();
    private readonly MeshViewHolder _views = new();
    private readonly DataPathMetrics _metrics = new(1);
    private readonly IdentityStore _identities = new();
    private readonly List<IDisposable> _things = [];
    private readonly RefusalLog _log = new();
    private PodOnLoop _pod = null!;
    private InboundLoop _inbound = null!;

    private AppPortWorld() => _loop = new TestLoop(_clock);

    public EventLoop Loop => _loop.Loop;

    /// <summary>Where the pod's app listens.</summary>
    public IPEndPoint App { get; private set; } = new(IPAddress.Loopback, 1);

    public Socket Listener { get; private set; } = null!;

    /// <summary>Reasons and details of all refusals, oldest first.</summary>
    public IReadOnlyCollection<string> Refusals => _log.Lines;

    public static async Task<AppPortWorld> Start(ProtectionMode mode, bool isOnOriginalPort = true, params Probe[] probes)
    {
        var world = new AppPortWorld();
        world.Listener = world.Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        world.Listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        world.Listener.Listen(64);
        world.App = (IPEndPoint)world.Listener.LocalEndPoint!;
        foreach (var id in (SpiffeId[])[Api, Web]) world._identities.Put(world.SvidOf(id));
        world._views.Publish(MeshWorld.View(
            ResourceWriter.Write(new MeshSettings { TunnelOnOriginalPort = isOnOriginalPort }),
            world.OwnPod(mode, Enrolment.Enrolled, probes),
            Pod("web", EnrolledPeer, Enrolment.Enrolled), Pod("plain", PlainPeer, Enrolment.None),
            ResourceWriter.Write(new Node { Name = "own", Addresses = [OwnNode] }), ResourceWriter.Write(new Node { Name = "other", Addresses = [OtherNode] })));
        await world._loop.Run(() =>
        {
            var links = new LinkContext(new LinkOptions(), world._metrics.ForLoop(0), TimeProvider.System, world._log);
            var refusals = new Refusals(world.Loop, links.Metrics, world._log);
            world._pod = new PodOnLoop(Uid, world.Loop, world, new NodeCapacity(1));
            world._inbound = new InboundLoop(new InboundContext
            {
                Loop = world.Loop, Views = world._views, Credentials = new NodeProxy.Tunnel.CredentialCache(world._identities), Links = links,
                Sessions = new SessionBook(world.Loop, new Guard(world._views, refusals)), Refusals = refusals,
            });
        });
        return world;
    }

    /// <summary>A client connects to the pod's port, as seen by the node; returned is the client's end, which is the caller's.</summary>
    public async Task<Socket> Connect(IPAddress peer)
    {
        var pair = await SocketPair.Connect();
        await _loop.Run(() => new InboundConnection(_inbound, _pod, pair.InsideFd, new IPEndPoint(peer, 40_000), App).Start());
        return pair.Outside;
    }

    /// <summary>This node, too, is told that the pod leaves the mesh.</summary>
    public Task TellLeaving(ProtectionMode mode) => Tell(OwnPod(mode, Enrolment.Withdrawing));

    /// <summary>This node is told something that changes nothing for anybody.</summary>
    public Task TellAnythingElse() => Tell(Pod("another", IPAddress.Parse("10.1.0.99"), Enrolment.None));

    /// <summary>The next connection that the app gets.</summary>
    public async Task<Socket> Accept()
    {
        var socket = Own(await Listener.AcceptAsync().WaitAsync(TimeSpan.FromSeconds(10)));
        socket.NoDelay = true;
        return socket;
    }

    /// <summary>Whether a connection waits for the app to take it.</summary>
    public bool HasAppConnection => Listener.Poll(TimeSpan.Zero, SelectMode.SelectRead);

    public Task Run(Action work) => _loop.Run(work);

    public Task<T> Run<T>(Func<T> work) => _loop.Run(work);

    public Task Until(Func<bool> condition, string what) => _loop.Until(condition, what);

    /// <summary>Moves the loop's clock, once the loop has done what was to do.</summary>
    public async Task Pass(double milliseconds)
    {
        await Settle();
        _clock.Advance(TimeSpan.FromMilliseconds(milliseconds));
        await Settle();
    }

    /// <summary>Lets the loop do what its sockets ask of it.</summary>
    public async Task Settle()
    {
        for (int i = 0; i < 3; i++)
        {
            await Task.Delay(2);
            await _loop.Run(() => { });
        }
    }

    /// <summary>What the web pod has to prove itself with.</summary>
    public LinkCredentials WebCredentials() => Own(new LinkCredentials(SvidOf(Web)));

    public long Probes(ProbeKind kind) => _metrics.ForLoop(0).ProbesPassedCount(kind);

    public long Refused(RefusalReason reason) => _metrics.ForLoop(0).RefusedCount(Reporter.Destination, reason);

    public T Own<T>(T thing)
        where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    // The stock of sockets, without a Redirector: this process may make them itself.
    void ISocketRequester.Request(string uid, int count, SocketStock stock) => Loop.Post(() => stock.OnAnswer(count, [.. Enumerable.Range(0, count).Select(_ => NewSocket())], null));

    public async ValueTask DisposeAsync()
    {
        await _loop.Run(() =>
        {
            _inbound.OnPodEnded(_pod, "the test is over");
            _pod.End("the test is over");
        });
        foreach (var thing in _things) thing.Dispose();
        // The sweep of the session book and a link's tick end with the next time that they are due.
        await Pass(60_000);
        await Pass(60_000);
        await _loop.DisposeAsync();
        _authority.Dispose();
    }

    private Task Tell(Protocol.Mesh.V1.Resource resource) => _loop.Run(() =>
    {
        _views.Publish(_views.Current.Upsert(resource));
        _inbound.OnView();
    });

    private Protocol.Mesh.V1.Resource OwnPod(ProtectionMode mode, Enrolment enrolment, params Probe[] probes) => ResourceWriter.Write(new Workload
    {
        Uid = Uid, Namespace = "shop", Name = "api-1", ServiceAccount = "api", Node = "own", Addresses = [IPAddress.Loopback],
        Enrolment = enrolment, Mode = mode, Probes = [.. probes.Select(probe => probe with { Port = App.Port })],
    });

    private static Protocol.Mesh.V1.Resource Pod(string name, IPAddress address, Enrolment enrolment) => ResourceWriter.Write(new Workload
    {
        Uid = name, Namespace = "shop", Name = $"{name}-1", ServiceAccount = name, Node = "other", Addresses = [address], Enrolment = enrolment,
    });

    private static int NewSocket()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        int fd = (int)socket.SafeHandle.DangerousGetHandle();
        socket.SafeHandle.SetHandleAsInvalid(); // the loop closes it
        return fd;
    }

    private Svid SvidOf(SpiffeId id)
    {
        var (chain, key) = _authority.Issue(id.ToString());
        var now = TimeProvider.System.GetUtcNow();
        return new Svid(id, 1, [chain], key, now.AddMinutes(-5), now.AddHours(1), [_authority.RootDer]);
    }

    private sealed class RefusalLog : ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> Lines => _lines;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception));
    }
}
