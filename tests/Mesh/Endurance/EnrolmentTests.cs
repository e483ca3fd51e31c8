using System.Net.Sockets;
using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Endurance;

/// <summary>Pods join and leave the mesh while they work. In a lab of its own, with time to drain.</summary>
public sealed class EnrolmentTests
{
    [Fact]
    public async Task Connections_stay_open_and_new_ones_succeed_while_pods_join_the_mesh_and_leave_it()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var plan = Plans.Standard with { DrainSeconds = 60 };
        await using var lab = await Lab.StartAsync(plan);
        var (web, jobs) = (plan.Pod("web-11"), plan.Pod("jobs-23"));
        using var listener = PodSocket.Listen(jobs.Network, 9090);
        var server = await Load.ServeAsync(lab, jobs);
        // By the pod's own address, which works with a mesh and without one.
        await using var load = await Load.StartAsync(lab, web.Network, jobs.V4, Plans.AppPort);

        await using var before = await Talk.StartAsync(web.Network, jobs.V4, 9090, listener);
        await lab.EnrolAsync("shop", "guarded");
        await load.SettleAsync();
        await using var within = await Talk.StartAsync(web.Network, jobs.V4, 9090, listener);
        Assert.Contains("tunnel mutual_tls", (await lab.MetricsAsync()).Ways("source", "web", "jobs"));

        lab.Mesh.Withdraw("shop", "guarded");
        // New connections go as without a mesh while the old one still goes through it.
        await lab.UntilAsync("new connections no longer go through the mesh", TimeSpan.FromSeconds(20), async () =>
        {
            var count = await CountAsync(lab);
            await load.SettleAsync();
            return await CountAsync(lab) == count ? null : "they still do";
        });
        await before.AssertWellAsync();
        await within.AssertWellAsync();
        await within.EndAsync();
        await lab.Controller.WaitForStateAsync("none", plan.Pods, TimeSpan.FromSeconds(30));
        await before.AssertWellAsync();
        await before.EndAsync();

        await load.SettleAsync();
        var tally = await load.StopAsync();
        TestContext.Current.TestOutputHelper?.WriteLine($"ok {tally.Ok}, p99 {tally.P99:0} ms");
        Assert.Equal((0, ""), (tally.Failed, tally.LastFailure));
        await AssertUntouchedAsync(web);
        await AssertUntouchedAsync(jobs);
        await server.KillAsync();
    }

    [Fact]
    public async Task A_connection_that_outlives_the_time_to_drain_is_cut_and_the_pod_is_let_go()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var plan = Plans.Standard with { DrainSeconds = 1 };
        await using var lab = await Lab.StartAsync(plan);
        await lab.EnrolAsync("shop", "guarded");
        using var listener = PodSocket.Listen("p23");
        using var client = await PodSocket.ConnectAsync("p11", plan.Service("jobs").V4, 80);
        using var remote = await listener.AcceptSoonAsync();

        await lab.WithdrawAsync("shop", "guarded");

        Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(() => client.ReceiveToEndAsync())).SocketErrorCode);
        await AssertUntouchedAsync(plan.Pod("web-11"));
    }

    [Fact]
    public async Task A_strict_mesh_refuses_plaintext_from_outside_and_carries_its_own()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var plan = Plans.Standard with { Mode = "STRICT" };
        await using var lab = await Lab.StartAsync(plan);
        await lab.EnrolAsync("shop", "guarded");
        using var listener = PodSocket.Listen("p23");

        using var own = await PodSocket.ConnectAsync("p11", plan.Service("jobs").V4, 80);
        using var accepted = await listener.AcceptSoonAsync();
        // The refusal can be quicker than the connect's own return.
        await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var stranger = await PodSocket.ConnectAsync(Topology.Outside, plan.Pod("jobs-23").V4, Plans.AppPort);
            await stranger.SendAllAsync("hello"u8.ToArray());
            await stranger.ReceiveToEndAsync();
        });
        Assert.True((await lab.MetricsAsync()).Refusals("plaintext_under_strict") >= 1);
    }

    private static async Task<double> CountAsync(Lab lab) => (await lab.MetricsAsync()).Sum("ambient_connections_opened_total");

    // No rule, no route and no setting of the mesh is left.
    private static async Task AssertUntouchedAsync(PodPlan pod)
    {
        Assert.Equal("", await Tool.MustAsync(Command.Of("nft", "list", "ruleset").Inside(pod.Network)));
        Assert.DoesNotContain("100:", await Tool.MustAsync(Command.Of("ip", "rule", "list").Inside(pod.Network)));
        Assert.DoesNotContain("100:", await Tool.MustAsync(Command.Of("ip", "-6", "rule", "list").Inside(pod.Network)));
    }
}
