using System.Collections.Immutable;
using System.Net;
using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Loads;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers.Ztunnel;

/// <summary>
/// Istio's node proxy as Istio runs it: one a node, pods told by its agent's protocol with their network namespaces, sockets in the pods,
/// HBONE between. Its settings are its defaults but for four, which spare it work: no line for each connection in its log (ours writes none either),
/// no names resolved for pods (DNS_CAPTURE), IPv4 alone, and a thread a core. What surrounds it (agent, authority, what it knows of the mesh) is the bench's.
/// </summary>
internal sealed class ZtunnelPeer : IPeer
{
    private const int TunnelPort = 15008;
    private const int ReadyPort = 15021;

    // Its own choice is our NodeProxy's page, in the same namespace.
    private const int StatsPort = 16020;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Ground _ground;
    private readonly string _program;
    private readonly PodPlan _client;
    private readonly PodPlan _server;
    private readonly ZtunnelAuthority _authority;
    private readonly string _meshFile;
    private readonly ImmutableSortedDictionary<int, ZtunnelPods> _nodes;
    private ImmutableArray<LabProcess> _running = [];

    private ZtunnelPeer(Ground ground, string program, PodPlan client, PodPlan server, ZtunnelAuthority authority, string meshFile)
    {
        (_ground, _program, _client, _server, _authority, _meshFile) = (ground, program, client, server, authority, meshFile);
        _nodes = new[] { client, server }.GroupBy(pod => pod.Node).ToImmutableSortedDictionary(pods => pods.Key, pods => new ZtunnelPods(SocketOf(pods.Key), [.. pods]));
    }

    public string Name => "ztunnel";

    public string ClientNetwork => _client.Network;

    public string ServerNetwork => _server.Network;

    public IReadOnlyList<int> Processes => [.. _running.Select(process => process.Ended.IsCompleted ? throw new LabException($"{process.Name} has ended") : process.Id)];

    public string Configuration => string.Join("\n\n", [.. _nodes.Keys.Select(node => CommandOf(node).ToString()), File.ReadAllText(_meshFile), ZtunnelRules.Text]);

    public int MostConnections => DescriptorLimit.OfOurs(pods: 1);

    public IPEndPoint AddressOf(int serverPort) => new(_server.V4, serverPort);

    /// <summary>Captures both pods and starts a ztunnel on each node.</summary>
    public static async Task<ZtunnelPeer> StartAsync(Ground ground, string program, PodPlan client, PodPlan server)
    {
        var authority = await ZtunnelAuthority.StartAsync(ground.Folder);
        var meshFile = Path.Combine(ground.Folder, "ztunnel-mesh.yaml");
        await File.WriteAllTextAsync(meshFile, "workloads:\n" + WorkloadOf(client) + WorkloadOf(server));
        var peer = new ZtunnelPeer(ground, program, client, server, authority, meshFile);
        try
        {
            foreach (var pod in new[] { client, server }) await ZtunnelRules.ApplyAsync(pod.Network, ground.Folder);
            await peer.StartAsync();
            if (client.Node != server.Node) await peer.RequireTunnelAsync();
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
        return peer;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    // The client's end of a tunnel is in the client's own namespace, as with ours.
    public Task CloseLinksAsync() => LinkEnds.CloseAsync(_ground, _client.Network, "dport", "=", $":{TunnelPort}");

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        foreach (var node in _nodes.Values) node.Dispose();
        await _authority.DisposeAsync();
    }

    private async Task StartAsync()
    {
        _running = [.. _nodes.Keys.Select(node => LabProcess.Start($"{Name} on n{node}", CommandOf(node).Inside(Topology.NodeNetwork(node)), _ground.Lab.Log))];
        using var http = new HttpClient();
        foreach (var (node, pods) in _nodes)
        {
            await _ground.Lab.UntilAsync($"{Name} is ready on n{node}", Patience, async () =>
            {
                if (pods.Trouble is { Length: > 0 } trouble) return trouble;
                try
                {
                    using var answer = await http.GetAsync($"http://{Topology.NodeAddress(node)}:{ReadyPort}/healthz/ready");
                    return answer.IsSuccessStatusCode ? null : $"it says {(int)answer.StatusCode}";
                }
                catch (HttpRequestException e)
                {
                    return e.Message;
                }
            });
        }
    }

    // What a ztunnel does not know it passes on in the clear, and that would be measured as if it were the tunnel.
    private async Task RequireTunnelAsync()
    {
        var target = new LoadTarget(_client.Network, AddressOf(HttpServer.Port));
        LoadTarget.InEach([target], each => each.Connect().Dispose());
        await _ground.Lab.UntilAsync($"{Name} opens a tunnel", Patience, async () =>
        {
            var tunnels = await Tool.MustAsync(Command.Of("ss", "-Htn", "state", "established", "dport", "=", $":{TunnelPort}").Inside(_client.Network));
            return tunnels.Length > 0 ? null : "the connection went another way";
        });
    }

    private async Task StopAsync()
    {
        foreach (var process in _running) await process.KillAsync();
        _running = [];
    }

    private string SocketOf(int node) => Path.Combine(_ground.Folder, $"ztunnel-{node}.sock");

    // env(1) replaces itself by the program, so the process id is the program's.
    private Command CommandOf(int node) => Command.Of("env",
        "PROXY_MODE=shared", $"NODE_NAME={Topology.NodeNetwork(node)}", $"INPOD_UDS={SocketOf(node)}", "XDS_ADDRESS=", $"LOCAL_XDS_PATH={_meshFile}",
        $"CA_ADDRESS={_authority.Address}", $"CA_ROOT_CA={_authority.RootFile}", $"PROXY_CONFIG={{statsPort: {StatsPort}, proxyMetadata: {{DNS_CAPTURE: 'false'}}}}",
        "INPOD_ENABLED=true", "DNS_CAPTURE=false", "IPV6_ENABLED=false", $"ZTUNNEL_WORKER_THREADS={Environment.ProcessorCount}", "RUST_LOG=error", _program, "proxy", "ztunnel");

    private static string WorkloadOf(PodPlan pod) =>
        $"- {{uid: {pod.Uid}, name: {pod.Name}, namespace: {pod.Namespace}, serviceAccount: {pod.Workload}, workloadIps: [{pod.V4}], protocol: HBONE, node: {Topology.NodeNetwork(pod.Node)}, network: \"\", services: {{}}}}\n";
}
