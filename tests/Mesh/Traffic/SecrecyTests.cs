using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>What nobody on the network may read, and what may never be sent at all.</summary>
public sealed class SecrecyTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    [Fact]
    public async Task Between_the_nodes_no_packet_holds_a_byte_of_the_payload_of_enrolled_pods()
    {
        var lab = await MeshAsync("tcpdump");
        var (api, jobs) = (lab.Plan.Service("api"), lab.Plan.Pod("jobs-23"));
        var servers = await Task.WhenAll(new[] { "api-21", "api-22", "jobs-23" }.Select(pod => Load.ServeAsync(lab, lab.Plan.Pod(pod))));
        try
        {
            var capture = await PacketCapture.StartAsync("n1", Topology.WireTo(2), lab.Log);
            const ulong V4 = 0xa4, V6 = 0xa6, Outside = 0xaa;
            await using (var v4 = await Load.StartAsync(lab, "p11", api.V4, api.Port, seed: V4))
            await using (var v6 = await Load.StartAsync(lab, "p11", api.V6, api.Port, seed: V6))
            await using (var outside = await Load.StartAsync(lab, Topology.Outside, jobs.V4, Plans.AppPort, seed: Outside))
            {
                await Task.WhenAll(v4.SettleAsync(), v6.SettleAsync(), outside.SettleAsync());
                Assert.All(await Task.WhenAll(v4.StopAsync(), v6.StopAsync(), outside.StopAsync()), tally => Assert.Equal(0, tally.Failed));
            }
            var found = await capture.StopAsync(new Pattern(V4).Marker, new Pattern(V6).Marker, new Pattern(Outside).Marker);
            TestContext.Current.TestOutputHelper?.WriteLine($"{found[0].Packets} packets, {found[0].Bytes} bytes; of outside {found[2].PacketsFound}");
            Assert.Equal(0, found[0].PacketsFound);
            Assert.Equal(0, found[1].PacketsFound);
            // What is sent in plaintext is found: the search works.
            Assert.True(found[2].PacketsFound > 10);
        }
        finally
        {
            foreach (var server in servers) await server.KillAsync();
        }
    }

    [Theory]
    [InlineData("10.96.0.200")]        // the services' range
    [InlineData("10.244.2.77")]        // the pods' range
    [InlineData("fd00:96::200")]
    [InlineData("fd00:244:2::77")]
    public async Task An_unknown_address_in_the_meshs_ranges_is_refused_after_a_while_with_a_reason_and_never_in_the_clear(string address)
    {
        var lab = await MeshAsync("tcpdump");
        var before = (await lab.MetricsAsync()).Refusals("unknown_address");
        var capture = await PacketCapture.StartAsync("p11", "eth0", lab.Log);
        var marker = $"never-in-the-clear-{Guid.NewGuid():N}";
        var began = Stopwatch.GetTimestamp();

        using var client = await PodSocket.ConnectAsync("p11", IPAddress.Parse(address), 80);
        await client.SendAllAsync(Encoding.ASCII.GetBytes(marker));
        var fault = await Assert.ThrowsAsync<SocketException>(() => client.ReceiveToEndAsync());

        Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);
        // The next view may bring the address: that is waited for, 2 s long.
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 1.5, 6);
        Assert.Equal(0, (await capture.StopAsync(marker))[0].PacketsFound);
        Assert.Equal(before + 1, (await lab.MetricsAsync()).Refusals("unknown_address"));
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task A_port_that_a_service_does_not_have_is_refused_with_a_reason(AddressFamily family)
    {
        var lab = await MeshAsync();
        var before = (await lab.MetricsAsync()).Refusals("service_port_unknown");
        var fault = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            // The reset may be there before connect(2) has returned.
            using var client = await PodSocket.ConnectAsync("p11", lab.Plan.Service("api").Address(family), 4711);
            await client.ReceiveToEndAsync();
        });
        Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);
        Assert.Equal(before + 1, (await lab.MetricsAsync()).Refusals("service_port_unknown"));
    }

    [Theory]
    [InlineData("192.0.2.9")]
    [InlineData("fd00:99::9")]
    public async Task Outside_the_meshs_ranges_a_connection_passes_through_as_it_is(string outside)
    {
        var lab = await MeshAsync();
        var listener = Own(PodSocket.Listen(Topology.Outside));
        using var client = await PodSocket.ConnectAsync("p11", IPAddress.Parse(outside), Plans.AppPort);
        using var server = await listener.AcceptSoonAsync();
        var seen = ((IPEndPoint)server.RemoteEndPoint!).Address;
        Assert.Equal(seen.IsIPv4MappedToIPv6 ? lab.Plan.Pod("web-11").V4 : lab.Plan.Pod("web-11").V6, seen.IsIPv4MappedToIPv6 ? seen.MapToIPv4() : seen);
        await client.SendAllAsync("hello"u8.ToArray());
        Assert.Equal("hello"u8.ToArray(), await server.ReceiveExactlyAsync(5));
        Assert.Equal(["passthrough plaintext"], (await lab.MetricsAsync()).Ways("source", "web", "unknown"));
    }
}
