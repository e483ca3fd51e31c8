using System.Diagnostics;
using Ambient.Cli.Lab;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Kubernetes.Mesh;

/// <summary>What apps in pods of a cluster see while the mesh and the API server change under them: one verified connection after the other, none tried again.</summary>
public sealed class ClusterTrafficTests(ApiServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_label_brings_running_pods_into_the_mesh_and_its_removal_takes_them_out_and_no_connection_fails()
    {
        await using var cluster = await ClusterLab.StartAsync(server);
        var lab = cluster.Lab;
        await Load.ServeAsync(lab, lab.Plan.Pod("api-21"));
        await using var load = await Load.StartAsync(lab, "p11", lab.Plan.Pod("api-21").V4, Plans.AppPort, rate: 100);
        Assert.Empty((await lab.MetricsAsync()).Ways("source", "web", "api"));

        var took = await lab.EnrolAsync(cluster.Shop);
        TestContext.Current.TestOutputHelper?.WriteLine($"label to three captured pods, told everywhere: {took.TotalMilliseconds:0} ms (bound 2000)");
        Assert.True(took < TimeSpan.FromSeconds(20), $"{took}");
        await load.SettleAsync();
        await load.SettleAsync();
        Assert.Contains("tunnel mutual_tls", (await lab.MetricsAsync()).Ways("source", "web", "api"));

        await lab.WithdrawAsync(cluster.Shop);
        var carried = Carried(await lab.MetricsAsync());
        await load.SettleAsync();
        Assert.Equal(carried, Carried(await lab.MetricsAsync()));
        var tally = await load.StopAsync();
        Assert.Equal((0, ""), (tally.Failed, tally.LastFailure));
    }

    [Fact]
    public async Task The_API_server_is_away_for_a_minute_and_no_connection_fails_and_certificates_are_renewed_and_then_all_goes_on()
    {
        await using var cluster = await ClusterLab.StartAsync(server, leafLifetime: "20s");
        var lab = cluster.Lab;
        await lab.EnrolAsync(cluster.Shop);
        await Load.ServeAsync(lab, lab.Plan.Pod("api-21"));
        await using var load = await Load.StartAsync(lab, "p11", cluster.Api, 80, rate: 100);

        var began = Stopwatch.GetTimestamp();
        cluster.Line.Cut();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60))
            await Renewal.OfAllAsync(lab);
        // A pod joins while nobody can be told.
        await Load.ServeAsync(lab, lab.Plan.Pod("cache-12"));
        await cluster.PutEndpointsAsync("api", lab.Plan.Pod("cache-12"));
        await load.SettleAsync();
        Assert.Empty((await lab.MetricsAsync()).Ways("source", "web", "cache"));

        cluster.Line.Restore();
        await lab.UntilAsync("what changed meanwhile is so", Patience, async () => (await lab.MetricsAsync()).Ways("source", "web", "cache").Contains("direct in_memory") ? null : "not yet");
        await load.SettleAsync();
        var tally = await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s, {tally.Ok} connections, p99 {tally.P99:0.0} ms");
        Assert.Equal((0, ""), (tally.Failed, tally.LastFailure));
    }

    [Fact]
    public async Task The_root_is_replaced_under_traffic_and_no_connection_fails()
    {
        await using var cluster = await ClusterLab.StartAsync(server, leafLifetime: "8s");
        var lab = cluster.Lab;
        await lab.EnrolAsync(cluster.Shop);
        await Load.ServeAsync(lab, lab.Plan.Pod("api-21"));
        await using var load = await Load.StartAsync(lab, "p11", cluster.Api, 80, rate: 100);

        await lab.Controller.RootAsync("add");
        await Renewal.TrustedAsync(lab, 2);
        await lab.Controller.RootAsync("switch", "--now");
        await Renewal.OfAllAsync(lab);
        await Renewal.OfAllAsync(lab);   // by the new root, whichever of the two came first
        await lab.Controller.RootAsync("retire", "--now");
        await Renewal.TrustedAsync(lab, 1);
        await Renewal.OfAllAsync(lab);
        await load.SettleAsync();
        var tally = await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"{tally.Ok} connections, p99 {tally.P99:0.0} ms");
        Assert.Equal((0, ""), (tally.Failed, tally.LastFailure));
    }

    private static double Carried(MetricsPage page) => page.Of("ambient_connections_opened_total").Sum(sample => sample.Value);
}
