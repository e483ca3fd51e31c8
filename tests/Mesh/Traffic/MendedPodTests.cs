using System.Net.Sockets;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>A pod whose rules somebody threw away and Redirector put back: connections of the mesh are not taken for slipped ones.</summary>
public sealed class MendedPodTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    [Fact]
    public async Task Connections_of_every_way_live_through_a_flush_of_the_rules_at_both_ends()
    {
        var lab = await MeshAsync();
        var client = lab.Plan.Pod("web-11");
        var pairs = new List<(string Way, Socket Client, Socket App)>();
        foreach (string name in (string[])["jobs-23", "cache-12", "vault-13"])
        {
            var server = lab.Plan.Pod(name);
            var listener = Own(PodSocket.Listen(server.Network));
            foreach (var address in (System.Net.IPAddress[])[server.V4, server.V6])
                pairs.Add(($"{name} at {address}", Own(await PodSocket.ConnectAsync(client.Network, address, Plans.AppPort)), Own(await listener.AcceptSoonAsync())));
            pairs.Add(($"{name} from outside", Own(await PodSocket.ConnectAsync(Topology.Outside, server.V4, Plans.AppPort)), Own(await listener.AcceptSoonAsync())));
        }
        await ExchangeAllAsync(pairs);

        foreach (string name in (string[])["web-11", "jobs-23", "cache-12", "vault-13"])
            Redirector.Command.Run("ip", "netns", "exec", lab.Plan.Pod(name).Network, "nft", "flush", "ruleset");
        // Mending takes tens of milliseconds; a second look follows after a second.
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);

        await ExchangeAllAsync(pairs);
        Assert.DoesNotContain("connections in the clear", lab.Log.Tail(40), StringComparison.Ordinal);
        Assert.Contains("capture mended", lab.Log.Tail(40), StringComparison.Ordinal);
    }

    private static async Task ExchangeAllAsync(List<(string Way, Socket Client, Socket App)> pairs)
    {
        foreach (var (way, client, app) in pairs)
        {
            byte[] said = Encoding.UTF8.GetBytes(way);
            foreach (var (from, to) in ((Socket, Socket)[])[(client, app), (app, client)])
            {
                await from.SendAllAsync(said);
                Assert.Equal(way, Encoding.UTF8.GetString(await to.ReceiveExactlyAsync(said.Length)));
            }
        }
    }
}
