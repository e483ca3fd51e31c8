using System.Diagnostics;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Lifecycle;

/// <summary>A NodeProxy is replaced as an upgrade does it: the new one is started beside the old one, which then drains.</summary>
public sealed class ReplacementTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int Rounds = 10, Connects = 20_000;

    // Twenty replacements, ten of each node. Connections at once and without a pause, from node 1: through tunnels to node 2, and to a pod of its own node.
    [Fact]
    public async Task NodeProxies_are_replaced_again_and_again_and_no_connection_is_refused_or_cut()
    {
        var lab = await MeshAsync();
        Assert.SkipUnless(lab.Nodes[0].CanRunTwo, "There is only one user here: two NodeProxies cannot share one inherited pair.");
        var servers = await Task.WhenAll(Load.ServeAsync(lab, lab.Plan.Pod("jobs-23")), Load.ServeAsync(lab, lab.Plan.Pod("cache-12")));
        await using var across = await Load.StartAsync(lab, "p11", lab.Plan.Service("jobs").V4, 80, rate: 0);
        await using var within = await Load.StartAsync(lab, "p11", lab.Plan.Service("cache").V6, 80, rate: 0);
        var before = across.Tally.Ok + within.Tally.Ok;
        var began = Stopwatch.GetTimestamp();

        var old = new List<LabProcess>();
        for (var round = 0; round < Rounds; round++)
        {
            foreach (var node in lab.Nodes) old.Add(await node.ReplaceNodeProxyAsync(Patience));
        }
        await Task.WhenAll(across.SettleAsync(), within.SettleAsync());
        await lab.UntilAsync($"{Connects} connections have been opened", TimeSpan.FromSeconds(120), () =>
            Task.FromResult(across.Tally.Ok + within.Tally.Ok - before is var done && done >= Connects ? null : $"{done} have"));
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;

        var tallies = await Task.WhenAll(across.StopAsync(), within.StopAsync());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{old.Count} replacements under {tallies.Sum(t => t.Ok) - before} connects in {seconds:0.0} s; p99 {tallies[0].P99:0} and {tallies[1].P99:0} ms");
        Assert.All(tallies, tally => Assert.Equal((0, ""), (tally.Failed, tally.LastFailure)));
        Assert.All(await Task.WhenAll(old.Select(process => process.Ended.WaitAsync(Patience))), status => Assert.Equal(0, status));
        foreach (var server in servers) await server.KillAsync();
    }

    [Theory]
    [InlineData(1)]   // the client's node
    [InlineData(2)]   // the server's
    public async Task A_connection_that_is_open_when_its_NodeProxy_is_replaced_goes_on_until_it_ends_and_then_the_old_process_ends(int node)
    {
        var lab = await MeshAsync();
        Assert.SkipUnless(lab.Nodes[0].CanRunTwo, "There is only one user here: two NodeProxies cannot share one inherited pair.");
        var listener = Own(PodSocket.Listen("p23"));
        await using var talk = await Talk.StartAsync("p11", lab.Plan.Service("jobs").V4, 80, listener);

        var old = await lab.Nodes[node - 1].ReplaceNodeProxyAsync(Patience);
        await using var later = await Talk.StartAsync("p11", lab.Plan.Service("jobs").V4, 80, listener);
        await talk.AssertWellAsync();
        await later.AssertWellAsync();
        Assert.False(old.Ended.IsCompleted);
        await later.EndAsync();
        await talk.EndAsync();

        Assert.Equal(0, await old.Ended.WaitAsync(Patience));
    }
}
