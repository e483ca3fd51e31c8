using System.Net;
using Ambient.Controller.Authority;
using Ambient.Controller.Streams.Tls;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Ambient.Controller.Streams;

/// <summary>The listener of node streams: gRPC over HTTP/2 and TLS 1.3, nothing else.</summary>
internal sealed class StreamServer : IAsyncDisposable
{
    // A node has one stream; the rest is room for one that is being replaced.
    private const int MaxStreamsPerConnection = 8;
    private const int MaxConnections = 20_000;
    private const int MaxNodeMessageBytes = 1 << 20;
    private const int WriteBufferBytes = 16 << 10;
    private static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(20); // of a connection without a stream
    private static readonly TimeSpan StopTimeout = TimeSpan.FromMilliseconds(350);
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(100);

    private readonly WebApplication _app;
    private readonly Announcer _announcer;

    private readonly OpenStreams _open;

    private StreamServer(WebApplication app, Announcer announcer, OpenStreams open)
    {
        _app = app;
        _open = open;
        _announcer = announcer;
        EndPoint = Bound.Of(app);
    }

    /// <summary>Where it listens, with the port that the system chose if none was given.</summary>
    internal IPEndPoint EndPoint { get; }

    /// <summary>Begins to listen.</summary>
    /// <exception cref="IOException">The address is in use, or not of this machine.</exception>
    internal static async Task<StreamServer> StartAsync(IPEndPoint listen, NodeStreamService service, Announcer announcer,
        ServerCertificate certificate, ConnectionRefusals refusals, ILoggerFactory loggers)
    {
        _ = certificate.Current;        // a libssl that cannot serve is a reason not to start
        var shares = new AddressShares(refusals);
        var tls = new TlsMiddleware(() => certificate.Current.Context, refusals);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });   // the current folder may be closed to this user
        builder.Services.AddSingleton(loggers);
        builder.Services.AddSingleton(service);
        builder.Services.AddSingleton<IServiceMethodProvider<NodeStreamService>, NodeStreamBinding>();
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxNodeMessageBytes;
            grpc.EnableDetailedErrors = false;
        });
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.MaxWriteBufferSize = WriteBufferBytes);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.KeepAliveTimeout = IdleTimeout;
            kestrel.Limits.Http2.MaxStreamsPerConnection = MaxStreamsPerConnection;
            kestrel.Limits.Http2.KeepAlivePingDelay = PingDelay;
            kestrel.Limits.Http2.KeepAlivePingTimeout = PingTimeout;
            // Each of ten thousand connections may have as much waiting, here and before its socket.
            kestrel.Limits.MaxResponseBufferSize = WriteBufferBytes;
            // A stream is silent for hours, and a node may read slowly; whether it lives, the pings tell.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.ListenOn(listen, endpoint =>
            {
                endpoint.Protocols = HttpProtocols.Http2;
                endpoint.Use(shares.Of);
                endpoint.Use(tls.Of);
            });
        });
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>>(new BlockPool());   // after UseKestrelCore, which says its own: the last one counts
        var app = builder.Build();
        var open = new OpenStreams();
        app.Use((context, next) =>
        {
            open.Follow(context);
            return next(context);
        });
        app.MapGrpcService<NodeStreamService>();
        await app.StartAsync();
        return new StreamServer(app, announcer, open);
    }

    /// <summary>Ends all streams with UNAVAILABLE and stops listening; takes well below a second.</summary>
    public async ValueTask DisposeAsync()
    {
        _announcer.EndAll();
        // A client whose connection closes right behind a stream's end tells its caller of the connection and forgets the end
        // (.NET's did in 5 of 120): the ends go first, and the connections some moments later.
        await Task.WhenAny(_open.NoneOpen, Task.Delay(StopTimeout));
        await Task.Delay(Linger);
        using var timeout = new CancellationTokenSource(StopTimeout);
        await _app.StopAsync(timeout.Token);
        await _app.DisposeAsync();
    }
}
