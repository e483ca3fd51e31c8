using System.Diagnostics;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Lifecycle;

/// <summary>Certificates live for seconds, and then the mesh's root is replaced, under traffic between nodes and within one.</summary>
public sealed class RotationTests
{
    // By hand with 30s: docs/lifecycle.md has the command.
    private static readonly string Lifetime = Environment.GetEnvironmentVariable("AMBIENT_LAB_LEAF_LIFETIME") ?? "8s";

    [Fact]
    public async Task Certificates_are_renewed_and_the_root_is_replaced_and_no_connection_fails_and_a_long_one_goes_on()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var plan = Plans.Standard with { LeafLifetime = Lifetime };
        await using var lab = await Lab.StartAsync(plan);
        await lab.EnrolAsync("shop", "guarded");
        var servers = await Task.WhenAll(Load.ServeAsync(lab, plan.Pod("jobs-23")), Load.ServeAsync(lab, plan.Pod("cache-12")));
        Load[] loads =
        [
            await Load.StartAsync(lab, "p11", plan.Service("jobs").V4, 80, rate: 100),
            await Load.StartAsync(lab, "p21", plan.Service("cache").V6, 80, rate: 100),
            await Load.StartAsync(lab, "p11", plan.Service("cache").V4, 80, rate: 50),   // inside the process
        ];
        using var listener = PodSocket.Listen("p23", 9090);
        await using var talk = await Talk.StartAsync("p11", plan.Pod("jobs-23").V6, 9090, listener);
        var began = Stopwatch.GetTimestamp();

        for (var renewal = 0; renewal < 3; renewal++) await Renewal.OfAllAsync(lab);
        await talk.AssertWellAsync();

        await lab.Controller.RootAsync("add");
        await Renewal.TrustedAsync(lab, 2);
        await lab.Controller.RootAsync("switch", "--leaf-lifetime", Lifetime, "--now");
        await lab.UntilAsync("the new root signs", Renewal.Patience, () => Task.FromResult(
            lab.Log.Of("controller").Count(line => line.Contains("The authority changed")) >= 2 ? null : "not yet"));
        await Renewal.OfAllAsync(lab);   // by the new root
        await talk.AssertWellAsync();
        await lab.Controller.RootAsync("retire", "--now");
        await Renewal.TrustedAsync(lab, 1);
        await Renewal.OfAllAsync(lab);
        await Task.WhenAll(loads.Select(load => load.SettleAsync()));
        await talk.AssertWellAsync();
        await talk.EndAsync();

        foreach (var load in loads)
        {
            var tally = await load.StopAsync();
            TestContext.Current.TestOutputHelper?.WriteLine($"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s with certificates of {Lifetime}: ok {tally.Ok}, p99 {tally.P99:0} ms");
            Assert.Equal((0, ""), (tally.Failed, tally.LastFailure));
        }
        var told = await Tool.MustAsync(Command.Of(Programs.Cli, "status", "--socket", lab.Nodes[0].AdminSocket));
        Assert.Contains("without a controller: all goes on until ", told);
        foreach (var server in servers) await server.KillAsync();
    }
}
