using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Which way a connection takes, and that the nodes say so.</summary>
public sealed class WaysTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Between_nodes_a_connection_goes_through_a_tunnel_with_mutual_TLS(AddressFamily family)
    {
        var lab = await MeshAsync();
        Own(PodSocket.Listen("p22"));
        var ways = await AskAsync(lab, "web-11", "api", "api-21", family);
        Assert.Equal(["tunnel mutual_tls"], ways.Source);
        Assert.Equal(["tunnel mutual_tls"], ways.Destination);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Within_a_node_a_connection_stays_in_the_process(AddressFamily family)
    {
        var lab = await MeshAsync();
        var ways = await AskAsync(lab, "web-11", "cache", "cache-12", family);
        Assert.Equal(["direct in_memory"], ways.Source);
        Assert.Empty(ways.Destination);   // one process is both ends: it counts once
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Within_a_node_a_pod_that_a_NetworkPolicy_selects_is_reached_by_a_tunnel_nevertheless(AddressFamily family)
    {
        var lab = await MeshAsync();
        var ways = await AskAsync(lab, "web-11", "vault", "vault-13", family);
        Assert.Equal(["tunnel mutual_tls"], ways.Source);
        Assert.Equal(["tunnel mutual_tls"], ways.Destination);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task A_host_outside_the_mesh_reaches_a_pod_in_plaintext_and_that_is_what_the_node_says(AddressFamily family)
    {
        var lab = await MeshAsync();
        var pod = lab.Plan.Pod("jobs-23");
        var listener = Own(PodSocket.Listen(pod.Network));
        await ExchangeAsync(listener, () => PodSocket.ConnectAsync(Topology.Outside, family == AddressFamily.InterNetwork ? pod.V4 : pod.V6, Plans.AppPort));
        Assert.Equal(["plain plaintext"], (await lab.MetricsAsync()).Ways("destination", "unknown", "jobs"));
    }

    [Theory]
    [InlineData("jobs", "jobs-23")]
    [InlineData("cache", "cache-12")]
    public async Task The_app_sees_the_address_of_the_client_pod(string service, string pod)
    {
        var lab = await MeshAsync();
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod(pod));
        var listener = Own(PodSocket.Listen(server.Network));
        using (await PodSocket.ConnectAsync(client.Network, lab.Plan.Service(service).V4, 80))
        {
            using var incoming = await listener.AcceptSoonAsync();
            Assert.Equal(client.V4, ((IPEndPoint)incoming.RemoteEndPoint!).Address.MapToIPv4());
            Assert.Equal(server.V4, ((IPEndPoint)incoming.LocalEndPoint!).Address.MapToIPv4());
        }
        using (await PodSocket.ConnectAsync(client.Network, lab.Plan.Service(service).V6, 80))
        {
            using var incoming = await listener.AcceptSoonAsync();
            Assert.Equal(client.V6, ((IPEndPoint)incoming.RemoteEndPoint!).Address);
            Assert.Equal(server.V6, ((IPEndPoint)incoming.LocalEndPoint!).Address);
        }
    }

    private async Task<(IReadOnlyList<string> Source, IReadOnlyList<string> Destination)> AskAsync(
        Lab lab, string client, string service, string server, AddressFamily family)
    {
        var (from, to, pod) = (lab.Plan.Pod(client), lab.Plan.Service(service), lab.Plan.Pod(server));
        var listener = Own(PodSocket.Listen(pod.Network));
        // Several copies serve some services: ask until this one has answered.
        var others = lab.Plan.Pods.Where(other => other.Workload == pod.Workload && other != pod).Select(other => other.Network).ToList();
        Assert.True(others.Count <= 1);
        var address = family == AddressFamily.InterNetwork ? to.V4 : to.V6;
        if (others.Count == 0) await ExchangeAsync(listener, () => PodSocket.ConnectAsync(from.Network, address, to.Port));
        else await ReachAsync(listener, () => PodSocket.ConnectAsync(from.Network, address, to.Port));
        // The app may have accepted a moment before its node counts.
        MetricsPage metrics = new([]);
        await lab.UntilAsync("both ends have counted", TimeSpan.FromSeconds(5), async () =>
        {
            metrics = await lab.MetricsAsync();
            var isSeen = metrics.Ways(from.Node == pod.Node ? "source" : "destination", from.Workload, pod.Workload).Count > 0;
            return isSeen ? null : "not yet";
        });
        return (metrics.Ways("source", from.Workload, pod.Workload), metrics.Ways("destination", from.Workload, pod.Workload));
    }

    private static async Task ExchangeAsync(Socket listener, Func<Task<Socket>> connect)
    {
        using var client = await connect();
        using var server = await listener.AcceptSoonAsync();
        await client.SendAllAsync(Encoding.ASCII.GetBytes("ping"));
        Assert.Equal("ping", Encoding.ASCII.GetString(await server.ReceiveExactlyAsync(4)));
        await server.SendAllAsync(Encoding.ASCII.GetBytes("pong"));
        Assert.Equal("pong", Encoding.ASCII.GetString(await client.ReceiveExactlyAsync(4)));
        client.Shutdown(SocketShutdown.Send);
        Assert.Empty(await server.ReceiveToEndAsync());
        server.Shutdown(SocketShutdown.Send);
        Assert.Empty(await client.ReceiveToEndAsync());
    }

    private static async Task ReachAsync(Socket listener, Func<Task<Socket>> connect)
    {
        var accepted = listener.AcceptSoonAsync();
        var clients = new List<Socket>();
        try
        {
            for (var i = 0; i < 100 && !accepted.IsCompleted; i++) clients.Add(await connect());
            using var server = await accepted;
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }
}
