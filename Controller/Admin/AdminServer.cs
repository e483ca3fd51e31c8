using System.Net;
using System.Text.Json.Serialization.Metadata;
using Ambient.Controller.Streams;
using Ambient.Protocol.Discovery.V1;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Ambient.Controller.Admin;

/// <summary>Read-only pages for people and monitoring, in plain HTTP: /live, /ready, /metrics and JSON below /v1/.</summary>
internal sealed class AdminServer : IAsyncDisposable
{
    private static readonly TimeSpan AnswerWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromMilliseconds(200);
    private readonly WebApplication _app;

    private AdminServer(WebApplication app)
    {
        _app = app;
        EndPoint = Bound.Of(app);
    }

    internal IPEndPoint EndPoint { get; }

    /// <summary>Begins to listen.</summary>
    /// <exception cref="IOException">The address is in use, or not of this machine.</exception>
    internal static async Task<AdminServer> StartAsync(IPEndPoint listen, Announcer announcer, Func<WarningsPage> warnings,
        ControllerMetrics metrics, TimeProvider time, ILoggerFactory loggers)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });   // the current folder may be closed to this user
        builder.Services.AddSingleton(loggers);
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 64;
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Listen(listen, endpoint => endpoint.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        app.MapGet("/live", context => context.Response.WriteAsync("live\n"));
        app.MapGet("/ready", context =>
        {
            context.Response.StatusCode = announcer.IsReady ? 200 : 503;
            return context.Response.WriteAsync(announcer.IsReady ? "ready\n" : "the source has not been read yet\n");
        });
        app.MapGet("/metrics", context =>
        {
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            return metrics.WriteAsync(announcer.Look(), time.GetUtcNow(), context.Response.Body, context.RequestAborted);
        });
        app.MapGet("/v1/nodes", context => WriteAsync(context, PageBuilder.Nodes(announcer.Look(), time.GetUtcNow()), AdminJson.Default.NodesPage));
        app.MapGet("/v1/workloads", context => WriteAsync(context, PageBuilder.Workloads(announcer.Look()), AdminJson.Default.WorkloadsPage));
        app.MapGet("/v1/services", context => WriteAsync(context, PageBuilder.Services(announcer.Look()), AdminJson.Default.ServicesPage));
        app.MapGet("/v1/warnings", context => WriteAsync(context, warnings(), AdminJson.Default.WarningsPage));
        app.MapGet("/v1/nodes/{node}/status", async context =>
            await WriteAsync(context, await AskAsync(context, announcer, time), AdminJson.Default.NodeStatusPage));
        await app.StartAsync();
        return new AdminServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        using var timeout = new CancellationTokenSource(StopTimeout);
        await _app.StopAsync(timeout.Token);
        await _app.DisposeAsync();
    }

    private static async Task<NodeStatusPage> AskAsync(HttpContext context, Announcer announcer, TimeProvider time)
    {
        var node = (string)context.Request.RouteValues["node"]!;
        if (announcer.SessionOf(node) is not { } session)
        {
            context.Response.StatusCode = 404;
            return Fault($"node {node} is not connected");
        }
        using var timer = new CancellationTokenSource(AnswerWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, context.RequestAborted);
        try
        {
            var answer = await session.AskAsync(new Question { Status = new StatusQuestion() }, either.Token);
            return answer switch
            {
                null => Fault($"node {node} has too many questions to answer already"),
                { Status: { } status } => new NodeStatusPage(node, null, status.ViewVersion, status.CapturedPods, status.OpenConnections),
                _ => Fault($"node {node} cannot answer this: {answer.Unsupported}{answer.Text}"),
            };
        }
        catch (OperationCanceledException)
        {
            context.Response.StatusCode = 504;
            return Fault($"node {node} did not answer in {AnswerWait.TotalSeconds} s");
        }

        NodeStatusPage Fault(string text) => new(node, text, null, null, null);
    }

    private static Task WriteAsync<T>(HttpContext context, T page, JsonTypeInfo<T> type) => context.Response.WriteAsJsonAsync(page, type);
}
