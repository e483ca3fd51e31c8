using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Ambient.Tests.Unit.Controller;

/// <summary>A cluster has IPv4, IPv6 or both, and one manifest.</summary>
public sealed class BothFamiliesTests
{
    [Theory]
    [InlineData("127.0.0.1", "ipv4:127.0.0.1:")]
    [InlineData("::1", "ipv6:[::1]:")]
    public async Task A_controller_that_listens_on_any_IPv6_address_serves_both_families(string address, string peer)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "this machine's kernel has no IPv6");
        await using var rig = await ControllerRig.StartAsync();
        await rig.RestartAsync(options => options with { Listen = new IPEndPoint(IPAddress.IPv6Any, 0), Admin = new IPEndPoint(IPAddress.IPv6Any, 0) });
        await using var node = await TestNode.ConnectAsync(new IPEndPoint(IPAddress.Parse(address), rig.Host.EndPoint.Port), Path.Combine(rig.State, "bundle.pem"), rig.TokenOf("a"), "a", "boot-1", "", 0);
        await node.SettleAsync();

        using var http = new HttpClient { BaseAddress = new UriBuilder("http", address, rig.Host.AdminEndPoint!.Port).Uri };
        using var nodes = JsonDocument.Parse(await http.GetStringAsync("/v1/nodes"));
        Assert.StartsWith(peer, nodes.RootElement.GetProperty("nodes")[0].GetProperty("peer").GetString());
    }
}
