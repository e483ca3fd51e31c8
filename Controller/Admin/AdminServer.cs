using System.Net;
using System.Text.Json.Serialization.Metadata;
using Ambient.Controller.Streams;
using Ambient.Protocol.Discovery.V1;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Ambient.Controller.Admin;

/// <summary>
/// Read-only pages for people and monitoring, in plain HTTP: /live, /ready, /metrics and JSON below /v1/ (docs/rest.md). Nothing in them is
/// secret, and nothing can be changed by them; who may reach the port sees what the mesh consists of.
/// </summary>
internal sealed class AdminServer : IAsyncDisposable
{
    private static readonly TimeSpan AnswerWait = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StopTimeout = TimeSpan.FromMilliseconds(200);

    // A list of a large cluster takes a second of a core and tens of megabytes: whoever asks for many gets them one after another.
    private const int ListsAtOnce = 2;

    private static readonly string[] Reading = [HttpMethods.Get, HttpMethods.Head];

    private readonly WebApplication _app;

    private AdminServer(WebApplication app)
    {
        _app = app;
        EndPoint = Bound.Of(app);
    }

    internal IPEndPoint EndPoint { get; }

    /// <summary>Begins to listen.</summary>
    /// <exception cref="IOException">The address is in use, or not of this machine.</exception>
    internal static async Task<AdminServer> StartAsync(IPEndPoint listen, Announcer announcer, IControllerStore store, Func<WarningsPage> warnings,
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
            kestrel.ListenOn(listen, endpoint => endpoint.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        var lists = new SemaphoreSlim(ListsAtOnce);
        Map("/live", context => context.Response.WriteAsync("live\n"));
        Map("/ready", context =>
        {
            context.Response.StatusCode = announcer.IsReady ? 200 : 503;
            return context.Response.WriteAsync(announcer.IsReady ? "ready\n" : "the source has not been read yet\n");
        });
        Map("/metrics", context =>
        {
            context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
            return metrics.WriteAsync(announcer.Look(), time.GetUtcNow(), context.Response.Body, context.RequestAborted);
        });
        MapList("/v1/nodes", hasNamespaces: false, AdminJson.Default.NodesPage,
            query => PageBuilder.Nodes(announcer.Look(), store.Remote?.Nodes ?? [], store.Self, query, time.GetUtcNow()));
        MapList("/v1/workloads", hasNamespaces: true, AdminJson.Default.WorkloadsPage, query => PageBuilder.Workloads(announcer.Look(), query));
        MapList("/v1/services", hasNamespaces: true, AdminJson.Default.ServicesPage, query => PageBuilder.Services(announcer.Look(), query));
        Map("/v1/warnings", context => WriteAsync(context, warnings(), AdminJson.Default.WarningsPage));
        Map("/v1/nodes/{node}/status", async context =>
            await WriteAsync(context, await AskAsync(context, announcer, store, time), AdminJson.Default.NodeStatusPage));
        await app.StartAsync();
        return new AdminServer(app);

        void Map(string path, RequestDelegate page) => app.MapMethods(path, Reading, page);

        void MapList<T>(string path, bool hasNamespaces, JsonTypeInfo<T> type, Func<PageQuery, T> page) => Map(path, async context =>
        {
            if (PageQuery.TryRead(context.Request.Query, hasNamespaces, out var fault) is not { } query)
            {
                context.Response.StatusCode = 400;
                await WriteAsync(context, new FaultPage(fault), AdminJson.Default.FaultPage);
                return;
            }
            if (!await lists.WaitAsync(AnswerWait, context.RequestAborted))
            {
                context.Response.StatusCode = 503;
                await WriteAsync(context, new FaultPage("too many lists are asked for at once: try again later"), AdminJson.Default.FaultPage);
                return;
            }
            try
            {
                await WriteAsync(context, page(query), type);
            }
            finally
            {
                lists.Release();
            }
        });
    }

    public async ValueTask DisposeAsync()
    {
        using var timeout = new CancellationTokenSource(StopTimeout);
        await _app.StopAsync(timeout.Token);
        await _app.DisposeAsync();
    }

    private static async Task<NodeStatusPage> AskAsync(HttpContext context, Announcer announcer, IControllerStore store, TimeProvider time)
    {
        var node = (string)context.Request.RouteValues["node"]!;
        if (announcer.SessionOf(node) is not { } session)
        {
            context.Response.StatusCode = 404;
            return Fault(store.Remote?.Nodes.GetValueOrDefault(node) is { Connected: true } there
                ? $"node {node} has its stream at replica {there.Replica}: ask that one"
                : $"node {node} is not connected");
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
