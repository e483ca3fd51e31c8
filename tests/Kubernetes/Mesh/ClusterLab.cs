using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Ambient.Cli.Lab;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Replicas;
using Ambient.Tests.Mesh.Redirector;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Kubernetes.Mesh;

/// <summary>
/// A whole mesh whose controller goes by an API server: real Redirectors and NodeProxies in network namespaces, pods that exist as objects,
/// as cgroups with a process in each, as kubelet makes them, and as network namespaces. The test stands in for scheduler, kubelet and the
/// maker of EndpointSlices.
/// </summary>
internal sealed class ClusterLab : IAsyncDisposable, ILabCluster
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly Guid Owner = Guid.NewGuid();

    private readonly ApiServer _server;
    private readonly MeshCluster _mesh;
    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-cluster-").FullName;
    private readonly List<(LabProcess Process, string Group)> _pods = [];
    private readonly HashSet<string> _objects = [];
    private Lab? _lab;

    private ClusterLab(ApiServer server, MeshCluster mesh)
    {
        (_server, _mesh) = (server, mesh);
        Line = server.OpenLine();
        // The controller's user must get through to it.
        Rights.Set(_folder, "0755");
        var kubeconfig = Path.Combine(_folder, "kubeconfig");
        File.Copy(Line.KubeconfigPath, kubeconfig);
        Rights.Set(kubeconfig, "0444");
        ControllerOptions = ["--source", "kubernetes", "--kubeconfig", kubeconfig, "--namespace", mesh.Namespace];
    }

    /// <summary>The controller's way to the API server.</summary>
    internal ApiLine Line { get; }

    internal Lab Lab => _lab!;

    /// <summary>The namespace of the pods.</summary>
    internal string Shop { get; private set; } = "";

    /// <summary>The address of service <c>api</c>, port 80: pod <c>api-21</c>, on node 2.</summary>
    internal IPAddress Api { get; private set; } = IPAddress.None;

    public IReadOnlyList<string> ControllerOptions { get; }

    /// <summary>Starts everything; nothing is in the mesh yet. Skips the test where this machine cannot.</summary>
    internal static async Task<ClusterLab> StartAsync(ApiServer server, string leafLifetime = "48h")
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var cluster = new ClusterLab(server, await MeshCluster.CreateAsync(server));
        try
        {
            await cluster.StartAsync(leafLifetime);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task<(string Bundle, string OrderKey)> TrustAsync()
    {
        var trust = (await _mesh.ConfigMapAsync(_mesh.Namespace)).Data;
        return (trust["roots.pem"], trust["order-key.pem"]);
    }

    public Task<string> TokenAsync(string node) => _mesh.TokenAsync(node);

    public async Task LabelAsync(IReadOnlyCollection<string> namespaces, bool isEnrolled)
    {
        foreach (var ns in namespaces)
        {
            await _server.ApplyAsync($$"""
                { apiVersion: v1, kind: Namespace, metadata: { name: {{ns}}, labels: { test: "yes"{{(isEnrolled ? ", ambient.mesh/enroll: \"true\"" : "")}} } } }
                """);
        }
    }

    /// <summary>Puts the object of a pod.</summary>
    /// <returns>The pod, with the UID that the server gave it.</returns>
    /// <param name="label">One more label.</param>
    /// <param name="isStarting">It has a node and nothing else yet: kubelet is to make its sandbox.</param>
    internal async Task<PodPlan> PutPodAsync(PodPlan pod, string label = "", bool isStarting = false)
    {
        _objects.Add(pod.Name);
        await _server.ApplyAsync($"{{ apiVersion: v1, kind: ServiceAccount, metadata: {{ name: {pod.Workload}, namespace: {pod.Namespace} }} }}");
        var status = isStarting ? "phase: Pending" : $$"""
            phase: Running
              podIP: {{pod.V4}}
              podIPs: [ { ip: {{pod.V4}} }, { ip: "{{pod.V6}}" } ]
              conditions: [ { type: Ready, status: "True" } ]
            """;
        await _server.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata:
              name: {{pod.Name}}
              namespace: {{pod.Namespace}}
              labels: { app: {{pod.Workload}}{{(label.Length > 0 ? $", {label}" : "")}} }
              ownerReferences: [ { apiVersion: apps/v1, kind: StatefulSet, name: {{pod.Workload}}, uid: {{Owner}}, controller: true } ]
            spec: { nodeName: {{Topology.NodeNetwork(pod.Node)}}, serviceAccountName: {{pod.Workload}}, containers: [ { name: app, image: none } ] }
            status:
              {{status}}
            """);
        return pod with { Uid = (string)(await _server.Http.GetFromJsonAsync<JsonObject>($"/api/v1/namespaces/{pod.Namespace}/pods/{pod.Name}"))!["metadata"]!["uid"]! };
    }

    /// <summary>Says which pods a service has.</summary>
    internal Task PutEndpointsAsync(string service, params IEnumerable<PodPlan> pods) => _server.ApplyAsync($$"""
        apiVersion: discovery.k8s.io/{{(_server.HasSlicesV1 ? "v1" : "v1beta1")}}
        kind: EndpointSlice
        metadata: { name: {{service}}, namespace: {{Shop}}, labels: { kubernetes.io/service-name: {{service}} } }
        addressType: IPv4
        ports: [ { name: "", port: {{Plans.AppPort}}, protocol: TCP } ]
        endpoints: [{{string.Join(", ", pods.Select(pod => $"{{ addresses: [\"{pod.V4}\"], conditions: {{ ready: true }}, targetRef: {{ kind: Pod, namespace: {pod.Namespace}, name: {pod.Name}, uid: {pod.Uid} }} }}"))}}]
        """);

    /// <summary>Starts a process in a pod's network namespace and in a cgroup as kubelet names it, by which Redirector finds the pod.</summary>
    internal void Run(PodPlan pod)
    {
        var group = PodCgroup.Make($"kubepods/burstable/pod{pod.Uid}/app");
        Assert.SkipWhen(group is null, "no cgroup can be made here");
        var process = LabProcess.Start($"pause {pod.Name}", Command.Of("sleep", "infinity").Inside(pod.Network), Lab.Log);
        _pods.Add((process, group));
        File.WriteAllText(Path.Combine(group, "cgroup.procs"), process.Id.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Ends a pod as kubelet does: its processes, its network, and then, unless it stays as a Job's does, its object.</summary>
    internal async Task EndAsync(PodPlan pod, bool keepsObject = false)
    {
        var (process, group) = _pods.Single(one => one.Group.Contains(pod.Uid, StringComparison.Ordinal));
        _pods.Remove((process, group));
        await EndAsync(process, group);
        await Network.RemovePodAsync(pod);
        if (!keepsObject)
            await _server.DeleteAsync("v1", "Pod", pod.Namespace, pod.Name);
        await Lab.UntilGoneAsync(pod, Patience);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (process, group) in _pods)
            await EndAsync(process, group);
        if (_lab is not null)
            await _lab.DisposeAsync();
        await Line.DisposeAsync();
        if (Shop.Length > 0)
        {
            await _server.DeleteAsync(_server.HasSlicesV1 ? "discovery.k8s.io/v1" : "discovery.k8s.io/v1beta1", "EndpointSlice", Shop, "api");
            await _server.DeleteAsync("v1", "Service", Shop, "api");
            foreach (var name in _objects)
                await _server.DeleteAsync("v1", "Pod", Shop, name);
        }
        for (var node = 1; node <= 2; node++)
        {
            await _server.DeleteAsync("v1", "Node", "", Topology.NodeNetwork(node));
            await _server.DeleteAsync("ambient.mesh/v1alpha1", "MeshNode", "", Topology.NodeNetwork(node));
        }
        await _mesh.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartAsync(string leafLifetime)
    {
        Shop = await _server.CreateNamespaceAsync("shop", ("test", "yes"));
        for (var node = 1; node <= 2; node++)
        {
            await _server.ApplyAsync($$"""
                apiVersion: v1
                kind: Node
                metadata: { name: {{Topology.NodeNetwork(node)}} }
                status: { addresses: [ { type: InternalIP, address: {{Topology.NodeAddress(node)}} } ] }
                """);
        }
        var pods = new List<PodPlan>();
        foreach (var pod in (PodPlan[])[new(Shop, "web", 1, 1), new(Shop, "cache", 1, 2), new(Shop, "api", 2, 1)])
            pods.Add(await PutPodAsync(pod));
        await _server.ApplyAsync($$"""
            { apiVersion: v1, kind: Service, metadata: { name: api, namespace: {{Shop}} }, spec: { selector: { app: api }, ports: [ { port: 80, targetPort: {{Plans.AppPort}}, protocol: TCP } ] } }
            """);
        Api = IPAddress.Parse((string)(await _server.Http.GetFromJsonAsync<JsonObject>($"/api/v1/namespaces/{Shop}/services/api"))!["spec"]!["clusterIP"]!);
        await PutEndpointsAsync("api", pods[2]);
        _lab = await Lab.StartAsync(new LabPlan { Nodes = 2, Pods = [.. pods], LeafLifetime = leafLifetime, DrainSeconds = 30, Cluster = this });
        foreach (var pod in pods)
            Run(pod);
    }

    private static async Task EndAsync(LabProcess process, string group)
    {
        await process.KillAsync();
        Assert.True(await Eventually.TrueAsync(() => PodCgroup.TryRemove(group), Patience), $"{group} stays");
    }
}
