using System.Net;
using Ambient.Bench.Rig.Accounting;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>Ours: real Controller, Redirector and NodeProxy processes; memory is that of the NodeProxies, which alone hold connections;
/// CPU is theirs and the Redirectors', which make the sockets that connections are opened with.</summary>
/// <param name="name">In tables and result lines.</param>
/// <param name="client">The pod that clients run in.</param>
/// <param name="server">The pod of the server; on the same node, a single NodeProxy carries.</param>
internal sealed class AmbientPeer(Ground ground, string name, PodPlan client, PodPlan server) : IPeer
{
    private const int TunnelPort = 15008;

    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);

    /// <summary>The client's node, and the server's if that is another.</summary>
    public IReadOnlyList<LabNode> Nodes { get; } = [.. new[] { client.Node, server.Node }.Distinct().Select(node => ground.Lab.Nodes[node - 1])];

    public string Name => name;

    public string ClientNetwork => client.Network;

    public string ServerNetwork => server.Network;

    public IReadOnlyList<int> Processes => [.. Nodes.Select(node => IdOf(node.NodeProxy.Current, node))];

    public IReadOnlyList<int> CpuProcesses => [.. Processes, .. Nodes.Select(node => IdOf(node.Redirector.Current, node))];

    public string Configuration => BuildDescription.Of(ground.Lab, Nodes);

    public int MostConnections => DescriptorLimit.OfOurs(pods: 1);

    public IPEndPoint AddressOf(int serverPort) => new(server.V4, serverPort);

    public async Task RestartAsync()
    {
        foreach (var node in Nodes)
        {
            await node.NodeProxy.StopAsync(StartPatience);
            node.NodeProxy.Start();
        }
        foreach (var node in Nodes)
        {
            await node.WaitUntilReadyAsync(StartPatience);
            await UntilItHasItsPodsAsync(node);
        }
    }

    /// <summary>Redirector hands a node's pods over one by one; until then their connections wait in the listeners' queues.</summary>
    public async Task UntilItHasItsPodsAsync(LabNode node)
    {
        int pods = ground.Lab.Mesh.Pods.Count(pod => pod.Node == node.Number && pod.Namespace == StagePlan.Enrolled);
        await ground.Lab.UntilAsync($"{node.Name} has its {pods} pods", StartPatience, async () =>
        {
            var captured = (await node.Admin.GetMetricsAsync()).Sum("ambient_node_pods_captured");
            return captured >= pods ? null : $"it has {captured}";
        });
    }

    private static int IdOf(LabProcess? process, LabNode node) => process?.Id ?? throw new LabException($"a process of {node.Name} has ended");

    // The client's end of a tunnel is in the client's own namespace. ss(8), -K.
    public Task CloseLinksAsync() => LinkEnds.CloseAsync(ground, client.Network, "dport", "=", $":{TunnelPort}");

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
