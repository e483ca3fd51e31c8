using System.Text.Json.Nodes;

namespace Ambient.Cli.Lab;

/// <summary>The lab's controller: its folders, its process, its admin pages.</summary>
internal sealed class LabController : IDisposable
{
    private const int Port = 15010, AdminPort = 15011;

    private readonly string _state;
    private readonly LabLog _log;
    private readonly Users _users;
    private readonly ILabCluster? _cluster;
    private readonly HashSet<string> _nodes;
    private readonly AdminClient _admin = AdminClient.Over(new Uri($"http://127.0.0.1:{AdminPort}"));

    private LabController(LabPlan plan, string folder, Users users, LabLog log)
    {
        _state = Path.Combine(folder, "controller");
        (_log, _users, _cluster) = (log, users, plan.Cluster);
        _nodes = [.. Enumerable.Range(1, plan.Nodes).Select(Topology.NodeNetwork)];
        Mesh = new MeshFolder(plan, Path.Combine(folder, "mesh"));
        IReadOnlyList<string> source = _cluster?.ControllerOptions ?? ["--source", Mesh.FolderPath, "--state", _state];
        Process = new Supervised("controller", () => LabProcess.Start("controller", AsOwnUser(
            [.. source, "--listen", $"{Topology.ControllerAddress}:{Port}", "--admin", $"127.0.0.1:{AdminPort}", "--leaf-lifetime", plan.LeafLifetime]), log));
    }

    /// <summary>Where nodes find it.</summary>
    public static string Address => $"https://{Topology.ControllerAddress}:{Port}";

    /// <summary>The YAML that it follows.</summary>
    public MeshFolder Mesh { get; }

    /// <summary>Its process.</summary>
    public Supervised Process { get; }

    /// <summary>The mesh's roots, PEM.</summary>
    public string Bundle => Path.Combine(_state, "bundle.pem");

    /// <summary>The key that orders are checked with, PEM.</summary>
    public string OrderKey => Path.Combine(_state, "order-key.pem");

    /// <summary>Makes its folders and keys. It is not started yet, except in a cluster, where it makes them itself.</summary>
    public static async Task<LabController> PrepareAsync(LabPlan plan, string folder, Users users, LabLog log)
    {
        var controller = new LabController(plan, folder, users, log);
        Directory.CreateDirectory(controller._state);
        if (plan.Cluster is { } cluster)
        {
            controller.Process.Start();
            var (bundle, orderKey) = await cluster.TrustAsync();
            await File.WriteAllTextAsync(controller.Bundle, bundle);
            await File.WriteAllTextAsync(controller.OrderKey, orderKey);
            return controller;
        }
        await Rights.GiveAsync(controller._state, users.Controller);
        await Tool.MustAsync(controller.AsOwnUser("init", "--state", controller._state));
        return controller;
    }

    /// <summary>A token with which a node may join.</summary>
    public async Task<string> TokenAsync(string node) => _cluster is not null ? await _cluster.TokenAsync(node) : (await Tool.MustAsync(AsOwnUser("token", "--state", _state, "--node", node))).Trim();

    /// <summary>A step of replacing the mesh's root: add, switch or retire.</summary>
    public Task RootAsync(string step, params ReadOnlySpan<string> options) => Tool.MustAsync(AsOwnUser(["root", step, .. _cluster?.ControllerOptions ?? ["--state", _state], .. options]));

    /// <summary>Waits until it has read its source.</summary>
    public Task WaitUntilReadyAsync(TimeSpan atMost) => Waiting.UntilAsync("the controller is ready", atMost, _log, async () =>
    {
        var (status, text) = await _admin.GetAsync("/ready");
        return status == 200 ? null : text.Trim();
    });

    /// <summary>Nodes, their acks and their pods, as the controller sees them.</summary>
    public Task<JsonNode> NodesAsync() => _admin.GetJsonAsync("/v1/nodes");

    /// <summary>All pods of the source, with how far they are on their way into the mesh.</summary>
    public Task<JsonNode> WorkloadsAsync() => _admin.GetJsonAsync("/v1/workloads");

    /// <summary>A pod's state in the mesh: none, enrolling, enrolled or withdrawing; and what its node says.</summary>
    public async Task<(string State, string Phase, string Reason)> StateOfAsync(PodPlan pod) =>
        StateOf((await WorkloadsAsync())["workloads"]!.AsArray().FirstOrDefault(one => (string?)one!["uid"] == pod.Uid));

    /// <summary>Waits until pods are in a state and every connected node serves by the view that says so.</summary>
    public Task<TimeSpan> WaitForStateAsync(string state, IReadOnlyCollection<PodPlan> pods, TimeSpan atMost) =>
        Waiting.UntilAsync($"{string.Join(", ", pods.Select(pod => pod.Name))}: {state} everywhere", atMost, _log, async () =>
        {
            var pages = (await WorkloadsAsync())["workloads"]!.AsArray().ToDictionary(one => (string)one!["uid"]!);
            foreach (var pod in pods)
            {
                var now = StateOf(pages.GetValueOrDefault(pod.Uid));
                if (now.State != state) return $"{pod.Name} is {now.State} {now.Phase} {now.Reason}";
            }
            return await LagAsync();
        });

    /// <summary>Who of the lab's nodes serves by an older view than the newest; null for nobody. A cluster may have others' nodes beside them.</summary>
    public async Task<string?> LagAsync()
    {
        var behind = (await NodesAsync())["nodes"]!.AsArray().FirstOrDefault(node =>
            _nodes.Contains((string)node!["name"]!) && (bool)node["connected"]! && (long?)node["lag"] is not 0);
        return behind is null ? null : $"node {behind["name"]} serves by an older view";
    }

    /// <inheritdoc/>
    public void Dispose() => _admin.Dispose();

    private static (string State, string Phase, string Reason) StateOf(JsonNode? page) =>
        page is null ? ("absent", "", "") : ((string)page["state"]!, (string)page["phase"]!, (string)page["reason"]!);

    private Command AsOwnUser(params ReadOnlySpan<string> arguments) => Command.Of(Programs.Controller, arguments).WithoutPrivilege(_users.Controller);
}
