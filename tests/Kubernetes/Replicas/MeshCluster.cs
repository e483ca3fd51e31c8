using System.Collections.Concurrent;
using System.Net;
using System.Text.Json.Nodes;
using Ambient.Controller;
using Ambient.Controller.Authority;
using Ambient.Controller.Replicas;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Unit.Controller;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Kubernetes.Replicas;

/// <summary>
/// A mesh of a test's own in a cluster: a namespace for its parts, with the nodes' account, and controllers in this process, as many as the
/// test starts. What they say lands in <see cref="Log"/>.
/// </summary>
internal sealed class MeshCluster : IAsyncDisposable, ILoggerProvider, ILogger
{
    private readonly ApiServer _server;
    private readonly ConcurrentQueue<string> _log = new();
    private readonly List<ControllerHost> _controllers = [];
    private readonly TemporaryFolder _folder = new();

    private MeshCluster(ApiServer server, string @namespace)
    {
        _server = server;
        Namespace = @namespace;
    }

    /// <summary>Of the mesh's parts.</summary>
    internal string Namespace { get; }

    /// <summary>The objects of the mesh, in files; for tests about everything else.</summary>
    internal string Source => Directory.CreateDirectory(Path.Combine(_folder.Path, "source")).FullName;

    internal IReadOnlyCollection<string> Log => _log;

    internal static async Task<MeshCluster> CreateAsync(ApiServer server)
    {
        await server.ApplyAsync(Manifest.Definition("meshnodes"));
        var mesh = new MeshCluster(server, await server.CreateNamespaceAsync("ambient"));
        await server.ApplyAsync($$"""
            { apiVersion: v1, kind: ServiceAccount, metadata: { name: ambient-node, namespace: {{mesh.Namespace}} } }
            ---
            { apiVersion: v1, kind: ServiceAccount, metadata: { name: somebody, namespace: {{mesh.Namespace}} } }
            """);
        return mesh;
    }

    /// <summary>Starts a controller whose objects come from <see cref="Source"/>, and all else from the cluster.</summary>
    /// <param name="line">Its way to the API server; null for the administrator's own.</param>
    internal async Task<ControllerHost> StartAsync(ApiLine? line = null, Func<ControllerOptions, ControllerOptions>? with = null, TimeProvider? time = null)
    {
        var options = new ControllerOptions
        {
            Source = Source,
            State = Path.Combine(_folder.Path, "state"),
            Cluster = new ClusterOptions(line?.KubeconfigPath ?? _server.KubeconfigPath, Namespace),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Admin = new IPEndPoint(IPAddress.Loopback, 0),
        };
        var loggers = LoggerFactory.Create(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(this));
        var controller = await ControllerHost.StartAsync(with?.Invoke(options) ?? options, time ?? TimeProvider.System, loggers);
        lock (_controllers)
            _controllers.Add(controller);
        return controller;
    }

    /// <summary>Ends a controller in good order.</summary>
    internal async Task StopAsync(ControllerHost controller)
    {
        lock (_controllers)
            _controllers.Remove(controller);
        await controller.DisposeAsync();
    }

    internal void Write(string name, string yaml)
    {
        var beside = Path.Combine(_folder.Path, name);
        File.WriteAllText(beside, yaml);
        File.Move(beside, Path.Combine(Source, name), overwrite: true);
    }

    /// <summary>Makes the pod of a NodeProxy on a node.</summary>
    /// <returns>Its name.</returns>
    internal async Task<string> PlaceNodePodAsync(string node, string account = TokenReviewDesk.Account)
    {
        var name = _server.Name("node");
        await _server.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: { name: {{name}}, namespace: {{Namespace}} }
            spec: { nodeName: {{node}}, serviceAccountName: {{account}}, containers: [ { name: node, image: none } ] }
            """);
        return name;
    }

    /// <summary>The token that kubelet would project into the pod of a NodeProxy on this node.</summary>
    internal async Task<string> TokenAsync(string node) =>
        await _server.TokenAsync(Namespace, TokenReviewDesk.Account, TokenReviewDesk.Audience, await PlaceNodePodAsync(node));

    /// <summary>Connects as a node.</summary>
    internal async Task<TestNode> ConnectAsync(ControllerHost controller, string node, string? token = null, string boot = "boot-1", string epoch = "", ulong version = 0) =>
        await TestNode.ConnectAsync(controller.EndPoint, await BundleFileAsync(), token ?? await TokenAsync(node), node, boot, epoch, version);

    /// <summary>Opens a stream as somebody, and says nothing yet.</summary>
    internal async Task<TestNode> OpenAsync(ControllerHost controller, string node, string token) =>
        TestNode.Open(controller.EndPoint, await BundleFileAsync(), token, node, "boot-1");

    /// <summary>The published roots, as kubelet would mount them.</summary>
    internal async Task<string> BundleFileAsync() => _folder.Write($"{Guid.NewGuid():N}.pem", (await ConfigMapAsync(Namespace)).Data["roots.pem"]);

    /// <summary>ConfigMap ambient-trust of a namespace, once it is there.</summary>
    internal async Task<V1ConfigMap> ConfigMapAsync(string ns)
    {
        V1ConfigMap? found = null;
        Assert.True(await Cluster.Eventually.TrueAsync(async () => (found = await TryConfigMapAsync(ns)) is not null), $"no ConfigMap ambient-trust in {ns}\n{string.Join('\n', _log)}");
        return found!;
    }

    internal async Task<V1ConfigMap?> TryConfigMapAsync(string ns) =>
        await ClusterCall.OrNullAsync("read", token => _server.Admin.CoreV1.ReadNamespacedConfigMapAsync("ambient-trust", ns, cancellationToken: token), default);

    internal Task<V1Secret> SecretAsync(string name) => _server.Admin.CoreV1.ReadNamespacedSecretAsync(name, Namespace);

    /// <summary>The status of a MeshNode; null if there is none.</summary>
    internal async Task<MeshNodeStatus?> StatusOfAsync(string node) => (await new KubernetesMeshNodes(() => _server.Admin).ReadAsync(node, default))?.Status;

    internal async Task<JsonNode> GetAsync(ControllerHost controller, string path)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://{controller.AdminEndPoint}") };
        return JsonNode.Parse(await http.GetStringAsync(path))!;
    }

    /// <summary>Waits until the log has a line with this text.</summary>
    internal async Task LoggedAsync(string text) =>
        Assert.True(await Cluster.Eventually.TrueAsync(() => _log.Any(l => l.Contains(text))), $"no log line with: {text}\n{string.Join('\n', _log)}");

    public async ValueTask DisposeAsync()
    {
        foreach (var controller in _controllers.ToList())
            await StopAsync(controller);
        // What other tests of the same server would see.
        foreach (var file in Directory.GetFiles(Source))
            File.Delete(file);
        _folder.Dispose();
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
