using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Native.Tls;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Inbound;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Identity;
using Ambient.Tests.Unit.Discovery;
using Ambient.Tests.Unit.Engine;
using Microsoft.Extensions.Logging;
using CredentialCache = Ambient.NodeProxy.Tunnel.CredentialCache;
using TestAuthority = Ambient.Tests.Unit.Native.Tls.TestAuthority;

namespace Ambient.Tests.Unit.Inbound;

/// <summary>
/// The server side of a node as it is in the product, over loopback: a pod's tunnel listener, real TLS, real sockets to its app, which
/// echoes. Its end fails the test if a descriptor, a place, a buffer, a timer or a registration was left.
/// </summary>
internal sealed class InboundWorld : IAsyncDisposable, ISocketRequester, ILogger
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Socket _tunnel = ListenOn(IPAddress.Loopback, backlog: 4096);
    private readonly Socket _app = ListenOn(IPAddress.Loopback, backlog: 512);
    private readonly DataPathMetrics _metrics = new(1);
    private readonly IdentityStore _identities = new();
    private readonly ConcurrentQueue<string> _log = new();
    private readonly List<IDisposable> _things = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly InboundLoop _inbound;
    private readonly SessionBook _sessions;
    private readonly PodOnLoop _pod;
    private Listener? _listener;

    public InboundWorld(TimeProvider? time = null, LinkOptions? options = null)
    {
        Loop = new TestLoop(time);
        var views = Views;
        views.Publish(MeshWorld.View(MeshWorld.Settings(), MeshWorld.Pod("uid-api", "127.0.0.1")));
        var links = new LinkContext(options ?? new LinkOptions(), _metrics.ForLoop(0), time ?? TimeProvider.System, this);
        var refusals = new Refusals(Loop.Loop, links.Metrics, this);
        _sessions = new SessionBook(Loop.Loop, new Guard(views, refusals));
        _inbound = new InboundLoop(new InboundContext
        {
            Loop = Loop.Loop, Views = views, Credentials = new CredentialCache(_identities), Links = links, Sessions = _sessions,
            Refusals = refusals,
        });
        _pod = new PodOnLoop("uid-api", Loop.Loop, this, Capacity);
        Renew(Authority);
    }

    public TestLoop Loop { get; }

    public MeshViewHolder Views { get; } = new();

    public TestAuthority Authority { get; } = new();

    public NodeCapacity Capacity { get; } = new(1);

    public IReadOnlyCollection<string> Log => _log;

    /// <summary>Where the pod's tunnels are dialled.</summary>
    public IPEndPoint EndPoint => (IPEndPoint)_tunnel.LocalEndPoint!;

    /// <summary>The app, as a CONNECT names it.</summary>
    public string App => _app.LocalEndPoint!.ToString()!;

    public static Task<InboundWorld> StartAsync(TimeProvider? time = null, LinkOptions? options = null) => new InboundWorld(time, options).StartedAsync();

    /// <summary>Gives the pod a new certificate, and the one root that it trusts from now on: that of the same authority if not told.</summary>
    public void Renew(TestAuthority authority, TestAuthority? trusts = null)
    {
        var settings = authority.Issue(["spiffe://cluster.local/ns/shop/sa/api"]);
        _identities.Put(new Svid(
            SpiffeId.Of("cluster.local", "shop", "api"), 0, [.. settings.CertificateChain.Select(der => der.ToArray())], settings.PrivateKeyPkcs8.ToArray(),
            DateTimeOffset.MinValue, DateTimeOffset.MaxValue, [(trusts ?? authority).Root.ToArray()]));
    }

    /// <summary>Puts a view into force, and returns when the loop has taken notice.</summary>
    public Task PublishAsync(MeshView view)
    {
        Views.Publish(view);
        return Loop.Run(_sessions.Guard.OnView);
    }

    /// <summary>A bare connection to the tunnel's port.</summary>
    public async Task<Socket> DialAsync(string from = "127.0.0.1")
    {
        var socket = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await socket.ConnectAsync(EndPoint);
        return socket;
    }

    /// <summary>A TLS connection with a certificate of these settings, or with none.</summary>
    public async Task<SslStream> DialTlsAsync(
        TlsSettings? settings, string? alpn = "h2", SslProtocols protocols = SslProtocols.Tls13, string from = "127.0.0.1")
    {
        var socket = await DialAsync(from);
        var tls = Own(new SslStream(new NetworkStream(socket), false, (_, _, _, _) => true));
        using var timer = new CancellationTokenSource(Patience);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "",
                EnabledSslProtocols = protocols,
                ApplicationProtocols = alpn is null ? null : [new SslApplicationProtocol(alpn)],
                ClientCertificateContext = settings is null ? null : ContextOf(settings),
            },
            timer.Token);
        return tls;
    }

    /// <summary>A peer that is as it should be, past its handshake, with its preface sent.</summary>
    public async Task<TunnelPeer> PeerAsync(string from = "127.0.0.1") =>
        new(await DialTlsAsync(Authority.Issue(["spiffe://cluster.local/ns/shop/sa/web"]), from: from));

    /// <summary>A good connection that stays: it echoes now, and is asked again at the end of the test.</summary>
    public async Task<TunnelPeer> NeighbourAsync(string from = "127.0.0.1")
    {
        var peer = await PeerAsync(from);
        Assert.Equal("200", await peer.ConnectAsync(1, App));
        await peer.EchoesAsync(1, "before");
        return peer;
    }

    /// <summary>How often something was refused for this reason.</summary>
    public long Refused(RefusalReason reason) => _metrics.Loops[0].RefusedCount(Reporter.Destination, reason);

    public long HandshakesFailed(RefusalReason reason) => _metrics.Loops[0].HandshakesFailedCount(client: false, reason);

    /// <summary>Waits until something was refused for this reason, and the log says so in these words.</summary>
    public Task IsRefusedAsync(RefusalReason reason, string text) => UntilAsync(
        () => Refused(reason) > 0 && _log.Any(line => line.Contains(reason.ToString(), StringComparison.Ordinal) && line.Contains(text, StringComparison.OrdinalIgnoreCase)),
        $"{reason}: {text}");

    public async Task UntilAsync(Func<bool> condition, string what)
    {
        long deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, $"never happened: {what}\n{string.Join('\n', _log.TakeLast(20))}");
            await Task.Delay(5);
        }
    }

    /// <summary>Server links, those in a handshake included.</summary>
    public Task<int> LinksAsync() => Loop.Run(() => _inbound.LinkCount);

    public Task<int> SessionsAsync() => Loop.Run(() => _sessions.Count);

    /// <summary>Connections that are carried now.</summary>
    public int OpenSessions => _sessions.Count;

    /// <summary>Buffers that the loop has lent out.</summary>
    public Task<int> BuffersAsync() => Loop.Run(() => Loop.Loop.Buffers.Rented);

    public T Own<T>(T thing)
        where T : IDisposable
    {
        lock (_things) _things.Add(thing);
        return thing;
    }

    public async ValueTask DisposeAsync()
    {
        lock (_things)
        {
            foreach (var thing in _things) thing.Dispose();
        }

        await Loop.Run(() =>
        {
            _listener!.Stop();
            _pod.End("the test is over");
            _inbound.OnPodEnded(_pod, "the test is over");
        });
        int users = await Loop.Run(() => _pod.UserCount);
        await _stop.CancelAsync();
        _tunnel.Dispose();
        _app.Dispose();
        _stop.Dispose();
        await Loop.DisposeAsync();
        Assert.Equal(0, users);
        Assert.Equal(0, Capacity.Held);
    }

    void ISocketRequester.Request(string uid, int count, SocketStock stock)
    {
        var fds = new int[count];
        for (int i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            fds[i] = (int)socket.SafeHandle.DangerousGetHandle();
            socket.SafeHandle.SetHandleAsInvalid(); // the stock closes it
        }

        Loop.Loop.Post(() => stock.OnAnswer(count, fds, null));
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _log.Enqueue(formatter(state, exception));

    private async Task<InboundWorld> StartedAsync()
    {
        _ = EchoAsync();
        await Loop.Run(() =>
        {
            _listener = new Listener(Loop.Loop, (int)_tunnel.SafeHandle.DangerousGetHandle(), fd => _inbound.OnTunnel(_pod, fd), _ => { }, () => true);
            _listener.Start();
        });
        return this;
    }

    private async Task EchoAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _ = EchoAsync(await _app.AcceptAsync(_stop.Token));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    // "flood" makes it speak for ever; anything else comes back.
    private static async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                var buffer = new byte[64 * 1024];
                while (await socket.ReceiveAsync(buffer) is > 0 and var read)
                {
                    bool floods = buffer.AsSpan(0, read).SequenceEqual("flood"u8);
                    do await socket.SendAsync(buffer.AsMemory(0, floods ? buffer.Length : read));
                    while (floods);
                }

                socket.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                // The other side has ended it.
            }
        }
    }

    private static SslStreamCertificateContext ContextOf(TlsSettings settings)
    {
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(settings.PrivateKeyPkcs8.Span, out _);
        using var leaf = X509CertificateLoader.LoadCertificate(settings.CertificateChain[0].Span);
        return SslStreamCertificateContext.Create(leaf.CopyWithPrivateKey(key), null, offline: true);
    }

    private static Socket ListenOn(IPAddress address, int backlog)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        socket.Listen(backlog);
        socket.Blocking = false;
        return socket;
    }
}
