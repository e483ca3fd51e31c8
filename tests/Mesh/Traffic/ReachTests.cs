using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>
/// A node whose pods reach only their own namespace is not told of another, and a connect there is refused; from there its pods are called all
/// the same. In a lab of its own: node 1 has pods of <c>shop</c>, node 2 of both.
/// </summary>
public sealed class ReachTests
{
    private static readonly LabPlan Plan = Plans.Standard with
    {
        Pods = [new PodPlan("shop", "web", 1, 1), new PodPlan("shop", "api", 2, 1), new PodPlan("guarded", "jobs", 2, 3)],
        Services = [new ServicePlan("shop", "web", 80, Plans.AppPort, 1), new ServicePlan("shop", "api", 80, Plans.AppPort, 2), new ServicePlan("guarded", "jobs", 80, Plans.AppPort, 4)],
        NamespacesWithPolicy = [],
    };

    [Fact]
    public async Task What_a_node_is_not_told_of_is_refused_with_a_reason_and_may_call_all_the_same()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        await using var lab = await Lab.StartAsync(Plan);
        var config = File.ReadAllText(Path.Combine(lab.Mesh.FolderPath, "mesh.yaml"));
        lab.Mesh.PutFile("mesh.yaml", config + "  reach: [{from: [shop], to: [shop]}]\n");
        await lab.EnrolAsync("shop", "guarded");
        await lab.UntilAsync("node 1 knows of shop alone", TimeSpan.FromSeconds(20), async () => await NamespacesOnAsync(lab.Nodes[0]) is var known && known == "shop" ? null : known);
        Assert.Equal("guarded shop", await NamespacesOnAsync(lab.Nodes[1]));

        var (web, api, jobs) = (Plan.Pod("web-11"), Plan.Pod("api-21"), Plan.Pod("jobs-23"));
        using var atWeb = PodSocket.Listen(web.Network);
        using var atApi = PodSocket.Listen(api.Network);
        using var atJobs = PodSocket.Listen(jobs.Network);
        await ExchangeAsync(atApi, web, Plan.Service("api").V4, 80);
        foreach (var (address, port) in new[] { (Plan.Service("jobs").V4, 80), (jobs.V4, Plans.AppPort) })
        {
            var fault = await Assert.ThrowsAsync<SocketException>(async () =>
            {
                using var refused = await PodSocket.ConnectAsync(web.Network, address, port);
                await refused.ReceiveToEndAsync();
            });
            Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);
            // The refusal is on the wire before its line is through the proxy's log.
            string reason = $"{address} lies in the mesh's ranges, and no pod or service that this node is told of has it";
            await lab.UntilAsync($"node 1 says that {address} is not known", TimeSpan.FromSeconds(10), () =>
                Task.FromResult(lab.Log.Of("n1/proxy").Any(line => line.Contains(reason, StringComparison.Ordinal)) ? null : "it does not yet"));
        }

        // Who calls is known by its certificate, not by the view.
        await ExchangeAsync(atWeb, jobs, Plan.Service("web").V4, 80);
        Assert.Equal(["tunnel mutual_tls"], (await lab.MetricsAsync()).Ways("source", "jobs", "web"));

        // A pod that comes and reaches more brings it along.
        lab.Mesh.PutFile("mesh.yaml", config + "  reach: [{from: [shop], to: [guarded]}]\n");
        await lab.UntilAsync("node 1 knows of both", TimeSpan.FromSeconds(20), async () => await NamespacesOnAsync(lab.Nodes[0]) is var known && known == "guarded shop" ? null : known);
        await ExchangeAsync(atJobs, web, Plan.Service("jobs").V4, 80);
    }

    private static async Task<string> NamespacesOnAsync(LabNode node) =>
        string.Join(' ', (await node.Admin.GetJsonAsync("/config?all=true"))["workloads"]!.AsArray().Select(pod => (string)pod!["namespace"]!).Distinct().Order(StringComparer.Ordinal));

    private static async Task ExchangeAsync(Socket listener, PodPlan client, IPAddress address, int port)
    {
        using var outgoing = await PodSocket.ConnectAsync(client.Network, address, port);
        using var incoming = await listener.AcceptSoonAsync();
        await outgoing.SendAllAsync("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await incoming.ReceiveExactlyAsync(4));
    }
}
