using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
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
/// cannot start is logged and missing; nothing here ever stops the data path. A predecessor that is still there is no fault: the socket's
/// path is taken over from it at once, and the TCP port as soon as it lets go of it.
/// </summary>
public sealed class AdminServer(AdminOptions options, AdminSources sources, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan AskAgainForPort = TimeSpan.FromMilliseconds(100);

    private readonly List<KestrelServer> _servers = [];
    private readonly CancellationTokenSource _closing = new();
    private Task _waitingForPort = Task.CompletedTask;
    private bool _isWaitSaid;
    private KestrelServer? _tcp;

    /// <summary>Where TCP is served, with the port that was really taken; null while it is not.</summary>
    public IPEndPoint? Address { get; private set; }

    /// <summary>Begins to serve. Does not throw if it cannot.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        var pages = new AdminPages(sources);
        if (options.SocketPath is { } path)
            await TryStartAsync(new UnixDomainSocketEndPoint(path), pages.AnswerPrivateAsync, cancellation);
        if (options.Address is { } address && !await TryStartTcpAsync(address, pages, cancellation))
            _waitingForPort = WaitForPortAsync(address, pages);
    }

    /// <summary>Lets go of the TCP port, which a successor waits for; the Unix socket stays.</summary>
    public async Task CloseTcpAsync()
    {
        await _closing.CancelAsync();
        await _waitingForPort;
        if (_tcp is { } tcp)
            await CloseAsync(tcp);
        _tcp = null;
    }

    /// <summary>Ends serving; requests under way have a second.</summary>
    public async ValueTask DisposeAsync()
    {
        await CloseTcpAsync();
        foreach (KestrelServer server in _servers.ToArray())
            await CloseAsync(server);
        _closing.Dispose();
    }

    private static IPEndPoint? BoundAddress(KestrelServer server) =>
        server.Features.Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()?.Addresses.FirstOrDefault() is { } bound
            && Uri.TryCreate(bound.Replace("[::]", "[::1]"), UriKind.Absolute, out Uri? uri) && IPAddress.TryParse(uri.Host, out IPAddress? address)
            ? new IPEndPoint(address, uri.Port)
            : null;

    private async Task CloseAsync(KestrelServer server)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1), TimeProvider.System);
        await server.StopAsync(patience.Token);
        server.Dispose();
        _servers.Remove(server);
    }

    private async Task<bool> TryStartTcpAsync(IPEndPoint address, AdminPages pages, CancellationToken cancellation)
    {
        if (await TryStartAsync(address, pages.AnswerOpenAsync, cancellation) is not { } tcp)
            return false;
        (_tcp, Address) = (tcp, BoundAddress(tcp));
        return true;
    }

    private async Task WaitForPortAsync(IPEndPoint address, AdminPages pages)
    {
        using var timer = new PeriodicTimer(AskAgainForPort, TimeProvider.System);
        try
        {
            while (await timer.WaitForNextTickAsync(_closing.Token) && !await TryStartTcpAsync(address, pages, _closing.Token))
            {
            }
        }
        catch (OperationCanceledException)
        {
            // This process ends before its predecessor.
        }
    }

    private async Task<KestrelServer?> TryStartAsync(EndPoint endpoint, RequestDelegate answer, CancellationToken cancellation)
    {
        KestrelServer? server = null;
        try
        {
            server = Make(endpoint);
            await server.StartAsync(new Pages(answer, logger), cancellation);
            _servers.Add(server);
            NodeLog.AdminServes(logger, endpoint.ToString()!);
            return server;
        }
        catch (Exception fault) when (fault is IOException or SocketException or UnauthorizedAccessException or InvalidOperationException)
        {
            if (fault.InnerException is not AddressInUseException)
                NodeLog.AdminFailed(logger, endpoint.ToString()!, fault);
            else if (!_isWaitSaid)
                NodeLog.AdminWaits(logger, endpoint.ToString()!);
            _isWaitSaid |= fault.InnerException is AddressInUseException;
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
            // Both families, or IPv4 alone where the kernel has no IPv6: Kestrel does that for "any IP" alone, not for an address that is given.
            case IPEndPoint { Address: var any } tcp when any.Equals(IPAddress.IPv6Any):
                kestrel.ListenAnyIP(tcp.Port);
                break;
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

    // Bound but not yet listening, nobody can connect: the mode is set before anybody can. Bound under another name and renamed: a
    // predecessor's socket is replaced in one step, and the predecessor, which removes at its end what it bound, does not find ours.
    private static Socket Bind(EndPoint endpoint)
    {
        if (endpoint is not UnixDomainSocketEndPoint || !OperatingSystem.IsLinux())
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
        string path = endpoint.ToString()!, beside = $"{path}.{Environment.ProcessId:x}";
        File.Delete(beside);
        Socket socket = SocketTransportOptions.CreateDefaultBoundListenSocket(new UnixDomainSocketEndPoint(beside));
        File.SetUnixFileMode(beside, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.Move(beside, path, overwrite: true);
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
