using System.Collections.Immutable;

namespace Ambient.Cli.Lab;

/// <summary>
/// A whole mesh on one machine: nodes and pods as network namespaces, and the real Controller, Redirectors and NodeProxies as processes.
/// It wants namespaces of its own to live in (ambient.sh makes them); with those, all of it goes when they go.
/// </summary>
internal sealed class Lab : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);

    // A pod's namespace, rules and listeners take some tens of milliseconds of a core.
    private static readonly TimeSpan PatienceForAPod = TimeSpan.FromMilliseconds(200);

    private readonly string _folder;
    private readonly Network _network;

    private Lab(LabPlan plan, string folder, Network network, LabController controller, ImmutableArray<LabNode> nodes, LabLog log)
    {
        (Plan, _folder, _network, Controller, Nodes, Log) = (plan, folder, network, controller, nodes, log);
    }

    /// <summary>What it consists of.</summary>
    public LabPlan Plan { get; }

    /// <summary>What its processes said.</summary>
    public LabLog Log { get; }

    /// <summary>Its controller.</summary>
    public LabController Controller { get; }

    /// <summary>Its nodes, node 1 first.</summary>
    public ImmutableArray<LabNode> Nodes { get; }

    /// <summary>Its network.</summary>
    public Network Network => _network;

    /// <summary>The YAML that describes its mesh.</summary>
    public MeshFolder Mesh => Controller.Mesh;

    /// <summary>Builds the network and starts every process; returns when all nodes are ready. No namespace is enrolled yet.</summary>
    /// <exception cref="LabException">It could not; what ran has been ended.</exception>
    public static async Task<Lab> StartAsync(LabPlan plan)
    {
        var log = new LabLog();
        var folder = Directory.CreateTempSubdirectory("ambient-").FullName;
        Rights.Set(folder, "0755");   // NodeProxy's user must get through to its own files
        var users = Users.OfThisNamespace();
        var making = Network.MakeAsync(plan);
        try
        {
            var controller = await LabController.PrepareAsync(plan, folder, users, log);
            var nodes = await Task.WhenAll(Enumerable.Range(1, plan.Nodes).Select(n => LabNode.PrepareAsync(n, controller, folder, users, log)));
            var lab = new Lab(plan, folder, await making, controller, [.. nodes], log);
            try
            {
                await lab.StartProcessesAsync();
                return lab;
            }
            catch
            {
                await lab.DisposeAsync();
                throw;
            }
        }
        catch
        {
            await making.ContinueWith(_ => { }, TaskScheduler.Default);
            throw;
        }
    }

    /// <summary>Labels the pods' namespaces and waits until all their pods are in the mesh, for everybody.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> EnrolAsync(params string[] namespaces)
    {
        if (Plan.Cluster is { } cluster) await cluster.LabelAsync(namespaces, isEnrolled: true);
        else Mesh.Enrol(namespaces);
        var pods = PodsOf(namespaces);
        return await Controller.WaitForStateAsync("enrolled", pods, StartPatience + (PatienceForAPod * pods.Length));
    }

    /// <summary>Takes the label away and waits until all their pods are out of the mesh, for everybody.</summary>
    /// <returns>How long it took.</returns>
    public async Task<TimeSpan> WithdrawAsync(params string[] namespaces)
    {
        if (Plan.Cluster is { } cluster) await cluster.LabelAsync(namespaces, isEnrolled: false);
        else Mesh.Withdraw(namespaces);
        return await Controller.WaitForStateAsync("none", PodsOf(namespaces), StartPatience + TimeSpan.FromSeconds(Plan.DrainSeconds));
    }

    /// <summary>The node that a pod is on.</summary>
    public LabNode NodeOf(PodPlan pod) => Nodes[pod.Node - 1];

    /// <summary>
    /// Waits until nothing holds a pod's network namespace any more: its wire's end in the node goes with it, and only then is its address free.
    /// </summary>
    /// <returns>How long it took.</returns>
    public Task<TimeSpan> UntilGoneAsync(PodPlan pod, TimeSpan atMost) => UntilAsync("the pod's namespace has gone", atMost, async () =>
        (await Tool.RunAsync(Command.Of("ip", "link", "show", pod.Network).Inside(Topology.NodeNetwork(pod.Node)))).ExitCode != 0 ? null : "its wire is still there");

    /// <summary>Waits for something about this lab.</summary>
    /// <returns>How long it took.</returns>
    public Task<TimeSpan> UntilAsync(string what, TimeSpan atMost, Func<Task<string?>> missing) => Waiting.UntilAsync(what, atMost, Log, missing);

    /// <summary>The metrics of all nodes in one.</summary>
    public async Task<MetricsPage> MetricsAsync() =>
        new([.. (await Task.WhenAll(Nodes.Select(node => node.Admin.GetMetricsAsync()))).SelectMany(page => page.Samples)]);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // Nothing of the lab outlives it, so nothing needs to be put in order.
        await Task.WhenAll([.. Nodes.Select(node => StopAsync(node.NodeProxy)), .. Nodes.Select(node => StopAsync(node.Redirector)), StopAsync(Controller.Process)]);
        foreach (var node in Nodes) node.Dispose();
        Controller.Dispose();
        await _network.RemoveAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static Task StopAsync(Supervised process)
    {
        process.ComesBack = false;
        return process.KillAllAsync();
    }

    private ImmutableArray<PodPlan> PodsOf(IReadOnlyCollection<string> namespaces) => [.. Mesh.Pods.Where(pod => namespaces.Contains(pod.Namespace))];

    private async Task StartProcessesAsync()
    {
        Controller.Process.Start();
        foreach (var node in Nodes)
        {
            node.Redirector.Start();
            node.NodeProxy.Start();
        }
        await Controller.WaitUntilReadyAsync(StartPatience);
        await Task.WhenAll(Nodes.Select(node => node.WaitUntilReadyAsync(StartPatience)));
    }
}
