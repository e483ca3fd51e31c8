using System.Collections.Concurrent;
using System.Net;
using Ambient.Controller;
using Ambient.Controller.Authority;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Unit.Controller;

/// <summary>A real controller in this process: real files, real TLS on a port of the system's choice. Leaves nothing behind.</summary>
internal sealed class ControllerRig : IAsyncDisposable, ILoggerProvider, ILogger
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-controller-").FullName;
    private readonly ConcurrentQueue<string> _log = new();
    private ControllerHost? _host;

    private ControllerRig()
    {
        Directory.CreateDirectory(Source);
    }

    internal string Source => Path.Combine(_folder, "source");

    internal string State => Path.Combine(_folder, "state");

    internal ControllerHost Host => _host!;

    internal IReadOnlyCollection<string> Log => _log;

    internal Uri Admin => new($"http://{Host.AdminEndPoint}");

    internal static async Task<ControllerRig> StartAsync(string? yaml = null, Func<ControllerOptions, ControllerOptions>? with = null)
    {
        var rig = new ControllerRig();
        rig.Write("mesh.yaml", yaml ?? Shop);
        await rig.RestartAsync(with);
        return rig;
    }

    /// <summary>Two nodes, two pods, a service; the namespace is enrolled.</summary>
    internal const string Shop = """
        kind: Namespace
        apiVersion: v1
        metadata: {name: shop, labels: {ambient.mesh/enroll: "true"}}
        ---
        kind: Pod
        apiVersion: v1
        metadata: {name: web, namespace: shop, uid: uid-web, labels: {app: web}}
        spec: {nodeName: a, serviceAccountName: web}
        status: {podIP: 10.1.0.1}
        ---
        kind: Pod
        apiVersion: v1
        metadata: {name: api, namespace: shop, uid: uid-api, labels: {app: api}}
        spec: {nodeName: b, serviceAccountName: api}
        status: {podIP: 10.1.1.1}
        ---
        kind: Service
        apiVersion: v1
        metadata: {name: api, namespace: shop}
        spec: {clusterIP: 10.2.0.1, selector: {app: api}, ports: [{port: 80, targetPort: 8080}]}
        """;

    internal async Task RestartAsync(Func<ControllerOptions, ControllerOptions>? with = null)
    {
        await StopAsync();
        var options = new ControllerOptions
        {
            Source = Source,
            State = State,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Admin = new IPEndPoint(IPAddress.Loopback, 0),
        };
        var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(this));
        _host = await ControllerHost.StartAsync(with?.Invoke(options) ?? options, TimeProvider.System, loggers);
    }

    internal void Write(string name, string text)
    {
        // As editors do: beside, then renamed over.
        var beside = Path.Combine(_folder, name);
        File.WriteAllText(beside, text);
        File.Move(beside, Path.Combine(Source, name), overwrite: true);
    }

    internal string TokenOf(string node, TimeSpan? valid = null) =>
        JoinTokens.OfState(new StateFolder(State)).Create(node, TimeProvider.System.GetUtcNow() + (valid ?? TimeSpan.FromHours(1)));

    internal Task<TestNode> ConnectAsync(string node, string boot = "boot-1", string epoch = "", ulong version = 0, string? token = null) =>
        TestNode.ConnectAsync(Host.EndPoint, Path.Combine(State, "bundle.pem"), token ?? TokenOf(node), node, boot, epoch, version);

    internal async Task<string> GetAsync(string path)
    {
        using var http = new HttpClient { BaseAddress = Admin };
        return await http.GetStringAsync(path);
    }

    /// <summary>Waits until the log has a line with this text.</summary>
    internal Task LoggedAsync(string text) => Eventually.Async(() => _log.Any(l => l.Contains(text)), () => $"no log line with: {text}\n{string.Join('\n', _log)}");

    /// <summary>Stops the controller; the files stay.</summary>
    internal async Task StopAsync()
    {
        if (_host is not null)
            await _host.DisposeAsync();
        _host = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) => this;

    void IDisposable.Dispose()
    {
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _log.Enqueue($"{logLevel}: {formatter(state, exception)} {exception}");
}

internal static class Eventually
{
    /// <summary>Waits until something holds, at most 10 s.</summary>
    internal static Task Async(Func<bool> holds, Func<string> otherwise) => Async(() => Task.FromResult(holds()), otherwise);

    /// <inheritdoc cref="Async(Func{bool}, Func{string})"/>
    internal static async Task Async(Func<Task<bool>> holds, Func<string> otherwise)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(10), otherwise());
            await Task.Delay(10);
        }
    }
}
