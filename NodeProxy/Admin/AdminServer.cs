using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Ambient.NodeProxy.Admin;

/// <summary>
/// Serves the pages: one Kestrel for TCP, one for the Unix socket, bare (no host, no routing, no signal handlers of its own). A part that
/// cannot start is logged and missing; nothing here ever stops the data path.
/// </summary>
public sealed class AdminServer(AdminOptions options, AdminSources sources, ILogger logger) : IAsyncDisposable
{
    private readonly List<KestrelServer> _servers = [];

    /// <summary>Where TCP is served, with the port that was really taken; null while it is not.</summary>
    public IPEndPoint? Address { get; private set; }

    /// <summary>Begins to serve. Does not throw if it cannot.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        var pages = new AdminPages(sources);
        if (options.Address is { } address && await TryStartAsync(address, pages.AnswerOpenAsync, cancellation) is { } tcp)
            Address = BoundAddress(tcp);
        if (options.SocketPath is { } path)
            await TryStartAsync(new UnixDomainSocketEndPoint(path), pages.AnswerPrivateAsync, cancellation);
    }

    /// <summary>Ends serving; requests under way have a second.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (KestrelServer server in _servers)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1), TimeProvider.System);
            await server.StopAsync(patience.Token);
            server.Dispose();
        }
        _servers.Clear();
    }

    private static IPEndPoint? BoundAddress(KestrelServer server) =>
        server.Features.Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()?.Addresses.FirstOrDefault() is { } bound
            && Uri.TryCreate(bound.Replace("[::]", "[::1]"), UriKind.Absolute, out Uri? uri) && IPAddress.TryParse(uri.Host, out IPAddress? address)
            ? new IPEndPoint(address, uri.Port)
            : null;

    private async Task<KestrelServer?> TryStartAsync(EndPoint endpoint, RequestDelegate answer, CancellationToken cancellation)
    {
        KestrelServer? server = null;
        try
        {
            if (endpoint is UnixDomainSocketEndPoint)
                File.Delete(endpoint.ToString()!);
            server = Make(endpoint);
            await server.StartAsync(new Pages(answer, logger), cancellation);
            _servers.Add(server);
            NodeLog.AdminServes(logger, endpoint.ToString()!);
            return server;
        }
        catch (Exception fault) when (fault is IOException or SocketException or UnauthorizedAccessException or InvalidOperationException)
        {
            NodeLog.AdminFailed(logger, endpoint.ToString()!, fault);
            server?.Dispose();
            return null;
        }
    }

    private static KestrelServer Make(EndPoint endpoint)
    {
        var kestrel = new KestrelServerOptions { AddServerHeader = false };
        kestrel.Limits.MaxConcurrentConnections = 100;
        kestrel.Limits.MaxRequestBodySize = 0;
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(75);   // above the usual scrape interval
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        switch (endpoint)
        {
            case IPEndPoint tcp:
                kestrel.Listen(tcp);
                break;
            default:
                kestrel.ListenUnixSocket(endpoint.ToString()!);
                break;
        }
        var sockets = new SocketTransportOptions { CreateBoundListenSocket = Bind };
        return new KestrelServer(Options.Create(kestrel), new SocketTransportFactory(Options.Create(sockets), NullLoggerFactory.Instance), NullLoggerFactory.Instance);
    }

    // Bound but not yet listening, nobody can connect: the mode is set before anybody can.
    private static Socket Bind(EndPoint endpoint)
    {
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        if (endpoint is UnixDomainSocketEndPoint && OperatingSystem.IsLinux())
            File.SetUnixFileMode(endpoint.ToString()!, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return socket;
    }

    private sealed class Pages(RequestDelegate answer, ILogger logger) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public async Task ProcessRequestAsync(HttpContext context)
        {
            try
            {
                await answer(context);
            }
            catch (Exception fault) when (fault is not OperationCanceledException)
            {
                NodeLog.AdminAnswerFailed(logger, context.Request.Path, fault);
                if (!context.Response.HasStarted)
                    context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            }
        }

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }
    }
}
