using System.Diagnostics;
using System.Net.Sockets;
using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Kubernetes.Mesh;

/// <summary>What apps in pods of a cluster see while the mesh and the API server change under them: one verified connection after the other, none tried again.</summary>
[Collection(nameof(WholeCluster))]
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
        await StopUnharmedAsync(load);
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
        var tally = await StopUnharmedAsync(load);
        TestContext.Current.TestOutputHelper?.WriteLine($"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s, {tally.Ok} connections, p99 {tally.P99:0.0} ms");
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
        var tally = await StopUnharmedAsync(load);
        TestContext.Current.TestOutputHelper?.WriteLine($"{tally.Ok} connections, p99 {tally.P99:0.0} ms");
    }

    [Fact]
    public async Task A_NetworkPolicy_that_selects_a_pod_takes_the_way_within_the_process_from_it_within_a_second()
    {
        await using var cluster = await ClusterLab.StartAsync(server);
        var lab = cluster.Lab;
        var cache = lab.Plan.Pod("cache-12");
        await lab.EnrolAsync(cluster.Shop);
        await Load.ServeAsync(lab, cache);
        await using var load = await Load.StartAsync(lab, "p11", cache.V4, Plans.AppPort, rate: 100);
        Assert.Equal(["direct in_memory"], (await lab.MetricsAsync()).Ways("source", "web", "cache"));

        var began = Stopwatch.GetTimestamp();
        await server.ApplyAsync($"{{ apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{ name: cache, namespace: {cluster.Shop} }}, spec: {{ podSelector: {{ matchLabels: {{ app: cache }} }}, ingress: [ {{}} ] }} }}");
        await lab.UntilAsync("tunnels within the node", Patience, async () => (await lab.MetricsAsync()).Ways("source", "web", "cache").Contains("tunnel mutual_tls") ? null : "not yet");
        var took = Stopwatch.GetElapsedTime(began);
        TestContext.Current.TestOutputHelper?.WriteLine($"policy to the first tunnel: {took.TotalMilliseconds:0} ms (bound 1000)");
        Assert.True(took < TimeSpan.FromSeconds(10), $"{took}");
        await load.SettleAsync();
        var direct = (await lab.MetricsAsync()).Connections("source", "web", "cache", "direct", "in_memory");
        await load.SettleAsync();
        Assert.Equal(direct, (await lab.MetricsAsync()).Connections("source", "web", "cache", "direct", "in_memory"));
        await StopUnharmedAsync(load);
    }

    [Fact]
    public async Task A_pod_that_gets_the_address_of_one_that_ended_is_reached_and_calls_as_itself_and_the_old_ones_connection_ends()
    {
        await using var cluster = await ClusterLab.StartAsync(server);
        var lab = cluster.Lab;
        var (web, old) = (lab.Plan.Pod("web-11"), lab.Plan.Pod("api-21"));
        await lab.EnrolAsync(cluster.Shop);
        using var before = PodSocket.Listen(old.Network, Plans.AppPort);
        using var kept = await PodSocket.ConnectAsync(web.Network, old.V4, Plans.AppPort);
        using (var accepted = await before.AcceptSoonAsync())
        {
            await accepted.SendAllAsync("here"u8.ToArray());
            Assert.Equal("here"u8.ToArray(), await kept.ReceiveExactlyAsync(4));
        }
        before.Dispose();
        await cluster.EndAsync(old);
        await Assert.ThrowsAsync<SocketException>(async () => { while (true) { await kept.SendAllAsync("still?"u8.ToArray()); await Task.Delay(50); } });

        // Another account and name, the same address.
        var stranger = old with { Namespace = cluster.Shop, Workload = "mail", Uid = "" };
        await lab.Network.AddPodAsync(stranger);
        using var listener = PodSocket.Listen(stranger.Network, Plans.AppPort);
        stranger = await cluster.PutPodAsync(stranger);
        cluster.Run(stranger);
        await lab.Controller.WaitForStateAsync("enrolled", [stranger], Patience);
        foreach (var from in (string[])[web.Network, "p12"])
        {
            using var client = await PodSocket.ConnectAsync(from, stranger.V4, Plans.AppPort);
            using var accepted = await listener.AcceptSoonAsync();
        }
        using var atWeb = PodSocket.Listen(web.Network, Plans.AppPort);
        using (var client = await PodSocket.ConnectAsync(stranger.Network, web.V4, Plans.AppPort))
        using (var accepted = await atWeb.AcceptSoonAsync())
        {
        }
        await lab.UntilAsync("all are counted", Patience, async () => await lab.MetricsAsync() is var page
            && page.Ways("destination", "web", "mail").SequenceEqual(["tunnel mutual_tls"]) && page.Ways("destination", "cache", "mail").SequenceEqual(["tunnel mutual_tls"])
            && page.Ways("destination", "mail", "web").SequenceEqual(["tunnel mutual_tls"]) ? null : "not yet");
        Assert.Equal(1, (await lab.MetricsAsync()).Connections("destination", "web", "api", "tunnel", "mutual_tls"));
    }

    [Fact]
    public async Task A_Jobs_pod_ends_and_leaves_and_its_address_is_the_next_ones()
    {
        await using var cluster = await ClusterLab.StartAsync(server);
        var lab = cluster.Lab;
        var job = lab.Plan.Pod("cache-12");
        await lab.EnrolAsync(cluster.Shop);
        // Its process ends first, as kubelet sees it, and the object says so a moment later; it stays there, with the address, until somebody cleans up.
        await cluster.EndAsync(job, keepsObject: true);
        await server.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: { name: {{job.Name}}, namespace: {{cluster.Shop}}, labels: { app: cache } }
            spec: { nodeName: n1, serviceAccountName: cache, containers: [ { name: app, image: none } ] }
            status: { phase: Succeeded, podIP: {{job.V4}}, podIPs: [ { ip: {{job.V4}} }, { ip: "{{job.V6}}" } ] }
            """);
        await lab.UntilAsync("the pod has left", Patience, async () => await lab.Controller.StateOfAsync(job) is { State: "none" or "absent" } ? null : "not yet");
        await lab.UntilAsync("the nodes have been told", Patience, lab.Controller.LagAsync);
        await lab.Nodes[0].WaitUntilReadyAsync(Patience);

        // The address is another pod's, which is not hidden by the one that has ended.
        var next = job with { Workload = "next", Uid = "" };
        await lab.Network.AddPodAsync(next);
        using var listener = PodSocket.Listen(next.Network, Plans.AppPort);
        next = await cluster.PutPodAsync(next);
        cluster.Run(next);
        await lab.Controller.WaitForStateAsync("enrolled", [next], Patience);
        using var client = await PodSocket.ConnectAsync("p21", next.V4, Plans.AppPort);
        using var accepted = await listener.AcceptSoonAsync();
        await lab.UntilAsync("it is counted", Patience, async () => (await lab.MetricsAsync()).Ways("destination", "api", "next").SequenceEqual(["tunnel mutual_tls"]) ? null : "not yet");
    }

    private static async Task<LoadTally> StopUnharmedAsync(Load load)
    {
        var tally = await load.StopAsync();
        Assert.Equal((0, ""), (tally.Failed, tally.LastFailure));
        return tally;
    }

    private static double Carried(MetricsPage page) => page.Of("ambient_connections_opened_total").Sum(sample => sample.Value);
}
