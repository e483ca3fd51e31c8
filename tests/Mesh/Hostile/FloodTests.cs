using System.Globalization;
using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Hostile;

/// <summary>One pod that opens connections without end: it is held at its share, and its neighbours on the node notice nothing.</summary>
/// <remarks>
/// The whole million takes minutes on two cores. By hand, with its figures on the output:
/// <c>AMBIENT_FLOOD=1000000 ./ambient.sh test mesh -class Ambient.Tests.Mesh.Hostile.FloodTests</c>.
/// </remarks>
[Trait("Runs", "alone")]
public sealed class FloodTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private static readonly long Attempts =
        long.Parse(Environment.GetEnvironmentVariable("AMBIENT_FLOOD") ?? "50000", CultureInfo.InvariantCulture);

    [Theory]
    [InlineData("api", 80, "through tunnels")]
    [InlineData("cache", 80, "within the node")]
    [InlineData("api", 8999, "to a port that nobody serves")]
    public async Task A_flood_of_connections_of_one_pod_fails_no_connection_of_its_neighbour(string service, int port, string how)
    {
        var lab = await MeshAsync();
        var servers = await Task.WhenAll(new[] { "api-21", "api-22", "cache-12" }.Select(pod => Load.ServeAsync(lab, lab.Plan.Pod(pod))));
        try
        {
            var neighbour = lab.Plan.Service("api").V4;
            await using var load = await Load.StartAsync(lab, "p13", neighbour, 80, rate: 30);
            var calm = await CalmAsync(load);
            long before = load.Tally.Ok;
            await using var flood = Flood.Start(lab, "p11", lab.Plan.Service(service).V4, port, port == 80 ? Attempts : Attempts / 5);
            await flood.Ended.WaitAsync(TimeSpan.FromMinutes(20));
            var tally = flood.Tally;
            var after = await load.StopAsync();
            TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{tally.Attempts:N0} attempts {how} in {tally.Seconds:0.0} s ({tally.Attempts / tally.Seconds:N0} a second, {tally.Connected:N0} connected). "
                + $"Neighbour: {after.Ok - before} connections beside it, {after.Failed} failed; p99 {calm:0.0} ms alone, {after.P99:0.0} ms in all (bound 300 ms)"));
            var page = await lab.MetricsAsync();
            Assert.Equal(port == 80 ? Attempts : Attempts / 5, tally.Attempts);
            Assert.Equal(0, after.Failed);
            // Nor does the flooded node take the other for an attacker: that would end all that the pod has open there.
            Assert.Equal(0, page.Refusals("protocol_violation"));
            Assert.True(after.Ok - before > 10, $"the neighbour had {after.Ok - before} connections beside the flood");
            Assert.True(after.P99 < 3_000, $"the neighbour's p99 was {after.P99} ms");
        }
        finally
        {
            foreach (var server in servers) await server.KillAsync();
        }

        await NothingIsLeftAsync(lab);
    }

    [Fact]
    public async Task A_pod_that_holds_connections_gets_its_share_of_the_descriptors_and_a_reason_and_its_neighbour_gets_what_it_asks_for()
    {
        const int Descriptors = 2_000;
        var lab = await MeshAsync("prlimit");
        var servers = await Task.WhenAll(new[] { "api-21", "api-22" }.Select(pod => Load.ServeAsync(lab, lab.Plan.Pod(pod))));
        var node = lab.Nodes[0];
        string pid = node.NodeProxy.Current!.Id.ToString(CultureInfo.InvariantCulture);
        string original = (await LimitAsync("--nofile", "--raw", "--noheadings", "--output", "SOFT")).Trim();
        try
        {
            // What an operator can do while the process runs; it looks once a second.
            await LimitAsync($"--nofile={Descriptors}:");
            await UntilAllowedAsync(Descriptors / 100 * 80);
            await using var load = await Load.StartAsync(lab, "p13", lab.Plan.Service("api").V4, 80, rate: 30);
            double refused = (await node.Admin.GetMetricsAsync()).Refusals("pod_share");
            await using (var flood = Flood.Start(lab, "p11", lab.Plan.Service("api").V4, 80, 3_000, holds: true))
            {
                await lab.UntilAsync("the flood has made its attempts", TimeSpan.FromSeconds(60), () => Task.FromResult(
                    flood.Tally.Connected + flood.Tally.Failed >= 3_000 && flood.Tally.Open is > 500 and < 1_400 ? null : $"{flood.Tally}"));
                await load.SettleAsync();
                var page = await node.Admin.GetMetricsAsync();
                double held = page.Sum("ambient_node_descriptors_held");
                TestContext.Current.TestOutputHelper?.WriteLine(
                    $"{flood.Tally.Open} of 3,000 connections are held (share {Descriptors * 0.8 * 0.8:0}), {held} descriptors, {page.Refusals("pod_share") - refused} refused; "
                    + $"neighbour: {load.Tally.Ok} connections, {load.Tally.Failed} failed, p99 {load.Tally.P99:0.0} ms");
                // What is being opened holds two descriptors, what is open one: the more were on their way at once, the sooner the share was full.
                Assert.InRange(held, Descriptors * 0.8 * 0.8 / 2, Descriptors * 0.7);
                Assert.True(page.Refusals("pod_share") - refused > 1_000);
                await lab.UntilAsync("the log says so", TimeSpan.FromSeconds(10), () => Task.FromResult(
                    lab.Log.Of(node.NodeProxy.Name).Any(line => line.Contains("PodShare", StringComparison.Ordinal)) ? null : "it does not"));
            }

            Assert.Equal(0, (await load.StopAsync()).Failed);
        }
        finally
        {
            await LimitAsync($"--nofile={original}:");
            foreach (var server in servers) await server.KillAsync();
        }

        await UntilAllowedAsync(long.Parse(original, CultureInfo.InvariantCulture) / 100 * 80);
        await NothingIsLeftAsync(lab);

        // As its own user: then it takes no privilege, which root of a namespace may not have over it.
        Task<string> LimitAsync(params string[] arguments) =>
            Tool.MustAsync(Command.Of("prlimit", ["--pid", pid, .. arguments]).WithoutPrivilege(Users.OfThisNamespace().NodeProxy));

        Task UntilAllowedAsync(long descriptors) => lab.UntilAsync($"connections may hold {descriptors} descriptors", TimeSpan.FromSeconds(10), async () =>
        {
            double allowed = (await node.Admin.GetMetricsAsync()).Sum("ambient_node_descriptors_allowed");
            return allowed == descriptors ? null : $"they may hold {allowed}";
        });
    }

    private static async Task<double> CalmAsync(Load load)
    {
        await load.SettleAsync();
        await load.SettleAsync();
        return load.Tally.P99;
    }

    private static Task NothingIsLeftAsync(Lab lab) => lab.UntilAsync("no connection is left", TimeSpan.FromSeconds(40), async () =>
    {
        var page = await lab.MetricsAsync();
        double open = page.Sum("ambient_node_open_connections");
        Assert.Equal(0, page.Sum("ambient_loop_bugs_total"));
        return open == 0 ? null : $"{open} are open";
    });
}
