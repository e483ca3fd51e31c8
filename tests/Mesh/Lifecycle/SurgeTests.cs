using System.Diagnostics;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Lifecycle;

/// <summary>
/// A node's programs are rolled out as a DaemonSet with surge does it: the new process runs beside the old one, which is told to end when
/// the new one is ready. NodeProxy alone is in <see cref="ReplacementTests"/>.
/// </summary>
public sealed class SurgeTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int Rounds = 3, Connects = 20_000;

    [Theory]
    [InlineData(false)]   // Redirector alone
    [InlineData(true)]    // both DaemonSets at once
    public async Task Rolled_out_with_surge_no_connection_is_refused_or_cut(bool isBoth)
    {
        var lab = await MeshAsync();
        Assert.SkipUnless(lab.Nodes[0].CanRunTwo, "There is only one user here: two NodeProxies cannot share one inherited pair.");
        var servers = await Task.WhenAll(Load.ServeAsync(lab, lab.Plan.Pod("jobs-23")), Load.ServeAsync(lab, lab.Plan.Pod("cache-12")));
        try
        {
            await using var across = await Load.StartAsync(lab, "p11", lab.Plan.Service("jobs").V4, 80, rate: 0);
            await using var within = await Load.StartAsync(lab, "p11", lab.Plan.Service("cache").V6, 80, rate: 0);
            var before = across.Tally.Ok + within.Tally.Ok;
            var began = Stopwatch.GetTimestamp();

            var old = new List<LabProcess>();
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var node in lab.Nodes) old.AddRange(await node.SurgeAsync(isBoth, Patience));
            }
            await Task.WhenAll(across.SettleAsync(), within.SettleAsync());
            await lab.UntilAsync($"{Connects} connections have been opened", TimeSpan.FromSeconds(120), () =>
                Task.FromResult(across.Tally.Ok + within.Tally.Ok - before is var done && done >= Connects ? null : $"{done} have"));
            var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;

            var tallies = await Task.WhenAll(across.StopAsync(), within.StopAsync());
            TestContext.Current.TestOutputHelper?.WriteLine($"{old.Count} replacements of {(isBoth ? "both at once" : "Redirector")} under "
                + $"{tallies.Sum(t => t.Ok) - before} connects in {seconds:0.0} s; p99 {tallies[0].P99:0} and {tallies[1].P99:0} ms, longest {tallies[0].Longest:0} and {tallies[1].Longest:0} ms");
            Assert.All(tallies, tally => Assert.Equal((0, ""), (tally.Failed, tally.LastFailure)));
            Assert.All(await Task.WhenAll(old.Select(process => process.Ended.WaitAsync(Patience))), status => Assert.Equal(0, status));
        }
        finally
        {
            foreach (var server in servers) await server.KillAsync(); // their ports are other tests' as well
        }
    }
}
