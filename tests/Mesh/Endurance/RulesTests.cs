using System.Net.Sockets;
using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Endurance;

/// <summary>Somebody breaks the rules inside pods while connections are opened through the mesh all the time.</summary>
public sealed class RulesTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    public static TheoryData<string, string[]> Breakages => new()
    {
        { "p11", ["nft", "flush", "ruleset"] },
        { "p23", ["nft", "flush", "ruleset"] },
        { "p11", ["nft", "insert", "rule", "inet", "TABLE", "nat_out", "return"] },
        { "p23", ["nft", "insert", "rule", "inet", "TABLE", "nat_pre", "return"] },
        { "p11", ["ip", "rule", "del", "pref", "100"] },
    };

    [Theory]
    [MemberData(nameof(Breakages))]
    public async Task Rules_that_are_broken_under_traffic_are_mended_and_nothing_goes_out_in_the_clear(string network, string[] command)
    {
        const ulong Seed = 0xf1;
        var lab = await MeshAsync();
        var server = await Load.ServeAsync(lab, lab.Plan.Pod("jobs-23"));
        try
        {
            await using var load = await Load.StartAsync(lab, "p11", lab.Plan.Service("jobs").V4, 80, seed: Seed);
            using var capture = await PacketCapture.StartAsync("n1", Topology.WireTo(2));
            var before = await StateAsync(network);
            var table = before.Split("table inet ")[1].Split(' ')[0];

            await Tool.MustAsync(Command.Of(command[0], [.. command[1..].Select(word => word == "TABLE" ? table : word)]).Inside(network));
            var mended = await lab.UntilAsync("rules and routes are as they were", TimeSpan.FromSeconds(10), async () => await StateAsync(network) == before ? null : "not yet");
            await load.SettleAsync();

            var tally = await load.StopAsync();
            TestContext.Current.TestOutputHelper?.WriteLine($"mended in {mended.TotalMilliseconds:0} ms; ok {tally.Ok}, failed {tally.Failed} {tally.LastFailure}");
            Assert.Equal(0, tally.Corrupt);
            // A client without rules sends to an address that exists nowhere: what it opens in those milliseconds may fail, never more.
            Assert.InRange(tally.Failed, 0, 10);
            Assert.Equal(0, (await capture.StopAsync(new Pattern(Seed).Marker))[0].PacketsFound);
        }
        finally
        {
            await server.KillAsync();
        }
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task An_answer_of_the_app_goes_to_the_proxy_also_while_there_are_no_rules(AddressFamily family)
    {
        var lab = await MeshAsync();
        var text = $"answer-in-the-clear-{family}";
        var node = lab.Nodes[1];
        using var listener = PodSocket.Listen("p23");
        using var client = await PodSocket.ConnectAsync("p11", lab.Plan.Service("jobs").Address(family), 80);
        using var app = await listener.AcceptSoonAsync();
        using var capture = await PacketCapture.StartAsync("n2", Topology.WireTo(1));
        await node.Redirector.KillAsync(); // nobody mends
        await Tool.MustAsync(Command.Of("nft", "flush", "ruleset").Inside("p23"));

        await app.SendAllAsync(System.Text.Encoding.ASCII.GetBytes(text));

        Assert.Equal(text, System.Text.Encoding.ASCII.GetString(await client.ReceiveExactlyAsync(text.Length)));
        Assert.Equal(0, (await capture.StopAsync(text))[0].PacketsFound);
        node.Redirector.Start();
        await lab.UntilAsync("the rules are back", TimeSpan.FromSeconds(20), async () =>
            (await StateAsync("p23")).Contains("redirect to :15006", StringComparison.Ordinal) ? null : "not yet");
    }

    private static async Task<string> StateAsync(string network)
    {
        // Without the elements of sets: what passes beside TCP is counted in them.
        var rules = await Tool.MustAsync(Command.Of("nft", "-s", "-t", "list", "ruleset").Inside(network));
        return rules + await Tool.MustAsync(Command.Of("ip", "rule", "list").Inside(network));
    }
}
