using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Pods that have addresses of one family only, beside pods that have both. In a lab of its own.</summary>
public sealed class SingleFamilyTests
{
    private static readonly LabPlan Plan = Plans.Standard with
    {
        Pods =
        [
            new PodPlan("shop", "web", 1, 1), new PodPlan("shop", "cache", 1, 2) { HasV6 = false }, new PodPlan("guarded", "vault", 1, 3) { HasV4 = false },
            new PodPlan("shop", "api", 2, 1) { HasV6 = false }, new PodPlan("shop", "mail", 2, 2) { HasV4 = false }, new PodPlan("guarded", "jobs", 2, 3),
        ],
        Services =
        [
            .. Plans.Standard.Services, new ServicePlan("shop", "mail", 80, Plans.AppPort, 5), new ServicePlan("shop", "web", 80, Plans.AppPort, 6),
        ],
    };

    [Fact]
    public async Task Pods_of_one_family_and_of_a_kernel_without_the_other_are_carried_over_what_they_share_and_refused_where_they_share_nothing()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        Assert.SkipUnless(Topology.KernelHasIpv6, "This kernel has no IPv6.");
        await using var lab = await Lab.StartAsync(Plan);
        // As on a node whose kernel was told to do without: then there is not even ::1.
        await Tool.MustAsync(Command.Of("bash", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6").Inside(Plan.Pod("api-21").Network));
        await lab.EnrolAsync("shop", "guarded");

        foreach (var (from, to, way) in (ValueTuple<string, string, string>[])
            [("web-11", "cache-12", "direct in_memory"), ("web-11", "vault-13", "tunnel mutual_tls"), ("web-11", "api-21", "tunnel mutual_tls"), ("web-11", "mail-22", "tunnel mutual_tls"),
             ("api-21", "web-11", "tunnel mutual_tls"), ("mail-22", "web-11", "tunnel mutual_tls"), ("api-21", "jobs-23", "tunnel mutual_tls"), ("mail-22", "jobs-23", "tunnel mutual_tls")])
        {
            var (client, server) = (Plan.Pod(from), Plan.Pod(to));
            var service = Plan.Service(server.Workload);
            using var listener = server.HasV6 ? PodSocket.Listen(server.Network) : PodSocket.ListenV4(server.Network);
            foreach (var family in client.Families)
            {
                // A service answers with a pod of the other family where it has no other; the client's own address of that one is seen.
                await ExchangeAsync(listener, client, service.Address(family), 80, seen: client.Address(server.Families.Contains(family) ? family : server.Families[0]));
                if (server.Families.Contains(family))
                    await ExchangeAsync(listener, client, server.Address(family), Plans.AppPort, seen: client.Address(family));
            }
            Assert.Equal([way], (await lab.MetricsAsync()).Ways("source", client.Workload, server.Workload));
        }

        foreach (var (from, to) in (ValueTuple<string, string>[])[("api-21", "mail-22"), ("mail-22", "api-21")])
        {
            var (client, server) = (Plan.Pod(from), Plan.Pod(to));
            var fault = await Assert.ThrowsAsync<SocketException>(async () =>
            {
                using var refused = await PodSocket.ConnectAsync(client.Network, Plan.Service(server.Workload).Address(client.Families[0]), 80);
                await refused.ReceiveToEndAsync();
            });
            Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);
        }
    }

    private static async Task ExchangeAsync(Socket listener, PodPlan client, IPAddress address, int port, IPAddress seen)
    {
        using var outgoing = await PodSocket.ConnectAsync(client.Network, address, port);
        using var incoming = await listener.AcceptSoonAsync();
        var remote = ((IPEndPoint)incoming.RemoteEndPoint!).Address;
        Assert.Equal(seen, remote.IsIPv4MappedToIPv6 ? remote.MapToIPv4() : remote);
        await outgoing.SendAllAsync("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await incoming.ReceiveExactlyAsync(4));
        await incoming.SendAllAsync("pong"u8.ToArray());
        incoming.Shutdown(SocketShutdown.Send);
        Assert.Equal("pong"u8.ToArray(), await outgoing.ReceiveToEndAsync());
    }
}
