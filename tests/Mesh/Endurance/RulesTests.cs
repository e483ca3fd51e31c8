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

    private static async Task<string> StateAsync(string network)
    {
        var rules = await Tool.MustAsync(Command.Of("nft", "list", "ruleset").Inside(network));
        return rules + await Tool.MustAsync(Command.Of("ip", "rule", "list").Inside(network));
    }
}
