using System.Buffers;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Model;
using Microsoft.AspNetCore.Http;
using Prometheus;

namespace Ambient.NodeProxy.Admin;

/// <summary>What is told under which path. Over TCP: <c>/metrics</c>, <c>/ready</c>, <c>/live</c>; over the Unix socket also <c>/status</c>, <c>/config</c>, <c>/connections</c>, <c>/identities</c>.</summary>
internal sealed class AdminPages
{
    private const int MostConnections = 100_000;

    private readonly AdminSources _sources;
    private readonly CollectorRegistry _process = Metrics.NewCustomRegistry();

    public AdminPages(AdminSources sources)
    {
        _sources = sources;
        DotNetStats.Register(_process);   // the process's own families; the library's event listeners, which cost CPU, stay off
    }

    /// <summary>Answers a request that came over TCP, from anybody who can reach the node.</summary>
    public Task AnswerOpenAsync(HttpContext context) => !IsReading(context) ? RefuseAsync(context, HttpStatusCode.MethodNotAllowed) : context.Request.Path.Value switch
    {
        "/metrics" => MetricsAsync(context),
        "/ready" => ReadyAsync(context),
        "/live" => TextAsync(context, "alive\n"),
        _ => RefuseAsync(context, HttpStatusCode.NotFound),
    };

    /// <summary>Answers a request that came over the Unix socket, from the node's own user.</summary>
    public Task AnswerPrivateAsync(HttpContext context) => !IsReading(context) ? RefuseAsync(context, HttpStatusCode.MethodNotAllowed) : context.Request.Path.Value switch
    {
        "/status" => JsonAsync(context, Status(), AdminJson.Default.StatusAnswer),
        "/config" => JsonAsync(context, Config(context.Request.Query["all"] == "true"), AdminJson.Default.ConfigAnswer),
        "/connections" => ConnectionsAsync(context),
        "/identities" => JsonAsync(
            context, IdentityPage.Make(_sources.Node, _sources.Views.Current, _sources.Identities, _sources.Time.GetUtcNow()), AdminJson.Default.IdentitiesAnswer),
        _ => AnswerOpenAsync(context),
    };

    private static bool IsReading(HttpContext context) => HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);

    private static Task RefuseAsync(HttpContext context, HttpStatusCode status)
    {
        context.Response.StatusCode = (int)status;
        return TextAsync(context, $"{(int)status}\n");
    }

    private static Task TextAsync(HttpContext context, string text)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text, context.RequestAborted);
    }

    private static Task JsonAsync<T>(HttpContext context, T answer, JsonTypeInfo<T> form)
    {
        context.Response.ContentType = "application/json";
        return JsonSerializer.SerializeAsync(context.Response.Body, answer, form, context.RequestAborted);
    }

    private static string Name<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static PortStanding Standing(ServiceView service, ServicePort port)
    {
        int ready = service.ReadyEndpoints(port, System.Net.Sockets.AddressFamily.InterNetwork).Count + service.ReadyEndpoints(port, System.Net.Sockets.AddressFamily.InterNetworkV6).Count;
        return new PortStanding(port.Name, port.Port, port.Protocol, ready);
    }

    private static WorkloadStanding Standing(Workload workload, string trustDomain) => new(
        workload.Uid,
        workload.Namespace,
        workload.Name,
        workload.WorkloadName,
        workload.IdentityIn(trustDomain).ToString(),
        workload.Node,
        [.. workload.Addresses.Select(address => address.ToString())],
        Name(workload.Enrolment),
        Name(workload.Mode),
        workload.DirectForbiddenReason,
        workload.HostNetwork);

    private async Task MetricsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        await _process.CollectAndExportAsTextAsync(context.Response.Body, context.RequestAborted);
        var ours = new ArrayBufferWriter<byte>(16 * 1024);
        _sources.Metrics.WriteExposition(ours);
        await context.Response.Body.WriteAsync(ours.WrittenMemory, context.RequestAborted);
    }

    private Task ReadyAsync(HttpContext context)
    {
        IReadOnlyList<Readiness> readiness = _sources.Readiness.Check();
        bool isReady = readiness.All(one => one.IsReady);
        context.Response.StatusCode = isReady ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        return JsonAsync(context, new ReadyAnswer(isReady, readiness), AdminJson.Default.ReadyAnswer);
    }

    private async Task ConnectionsAsync(HttpContext context)
    {
        int limit = int.TryParse(context.Request.Query["limit"], out int asked) ? Math.Clamp(asked, 0, MostConnections) : 1_000;
        IReadOnlyList<ConnectionListing> connections = await _sources.Connections.ListAsync(limit, context.RequestAborted);
        await JsonAsync(context, new ConnectionsAnswer(limit, [.. connections.Take(limit)]), AdminJson.Default.ConnectionsAnswer);
    }

    private StatusAnswer Status()
    {
        IReadOnlyList<Readiness> readiness = _sources.Readiness.Check();
        NodeGauges gauges = _sources.Gauges();
        MeshView view = _sources.Views.Current;
        return new StatusAnswer(
            _sources.Node,
            _sources.Software,
            Environment.ProcessId,
            readiness.All(one => one.IsReady),
            readiness,
            new ControllerStanding(gauges.IsControllerConnected, gauges.IsControllerConnected ? "" : _sources.ControllerFailure()),
            new ViewStanding(view.Epoch, view.Version, gauges.ViewAge?.TotalSeconds, view.WorkloadCount, view.ServiceCount, view.ContestedAddresses),
            gauges.CapturedPods,
            gauges.OpenConnections,
            [.. _sources.Identities.All.OrderBy(svid => svid.Id.ToString(), StringComparer.Ordinal)
                .Select(svid => new CertificateStanding(svid.Id.ToString(), svid.Generation, svid.NotBefore, svid.NotAfter))]);
    }

    private ConfigAnswer Config(bool all)
    {
        MeshView view = _sources.Views.Current;
        MeshSettings mesh = view.Settings;
        return new ConfigAnswer(
            _sources.Settings,
            new MeshStanding(
                mesh.TrustDomain,
                [.. mesh.PodRanges.Select(range => range.ToString())],
                [.. mesh.ServiceRanges.Select(range => range.ToString())],
                mesh.DirectAllowed,
                mesh.Drain.TotalSeconds),
            [.. (all ? view.Workloads : view.WorkloadsOn(_sources.Node)).OrderBy(pod => pod.Namespace + "/" + pod.Name, StringComparer.Ordinal)
                .Select(pod => Standing(pod, mesh.TrustDomain))],
            [.. view.Services.OrderBy(service => service.FullName, StringComparer.Ordinal).Select(service => new ServiceStanding(
                service.Service.Namespace,
                service.Service.Name,
                [.. service.Service.Addresses.Select(address => address.ToString())],
                service.Service.Headless,
                service.EndpointCount,
                [.. service.Service.Ports.Select(port => Standing(service, port))]))]);
    }
}
