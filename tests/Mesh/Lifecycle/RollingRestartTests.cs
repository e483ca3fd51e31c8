using Ambient.Cli.App;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Lifecycle;

/// <summary>
/// The pods of a service are replaced one after the other, as Kubernetes does it, while clients of another node and of the same one open
/// connections all the time. No pod waits before it stops to accept.
/// </summary>
public sealed class RollingRestartTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task An_app_is_restarted_pod_by_pod_under_load_and_no_connection_fails()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var plan = Plans.Standard;
        await using var lab = await Lab.StartAsync(plan);
        var pods = plan.Pods.Where(pod => pod.Workload == "api").ToList();
        var servers = new Dictionary<PodPlan, LabProcess>();
        foreach (var pod in pods) servers[pod] = await Load.ServeAsync(lab, pod);
        await lab.EnrolAsync("shop", "guarded");
        var service = plan.Service("api");
        Load[] loads =
        [
            await Load.StartAsync(lab, "p11", service.V4, 80, rate: 100),   // through tunnels
            await Load.StartAsync(lab, "p23", service.V6, 80, rate: 100),   // tunnels within the node, for NetworkPolicies select this client
            await Load.StartAsync(lab, pods[0].Network, service.V4, 80, rate: 20),   // from a pod that is replaced itself
        ];
        var leaving = loads[2];

        var slot = 4;
        foreach (var old in pods.ToList())
        {
            // The new pod is ready, so its endpoint is added.
            var successor = new PodPlan("shop", "api", 2, slot++);
            await lab.Network.AddPodAsync(successor);
            servers[successor] = await Load.ServeAsync(lab, successor);
            lab.Mesh.Put(successor);
            await Task.WhenAll(loads.Where(load => load != leaving || old != pods[0]).Select(load => load.SettleAsync()));
            if (old == pods[0])
            {
                // What a pod asks itself goes on until its own end.
                AssertNothingFailed(await leaving.StopAsync());
                loads = [.. loads.Where(load => load != leaving)];
            }

            // At one and the same moment: the pod is marked, its endpoint is gone, and the app is told to end.
            lab.Mesh.Put(old with { IsTerminating = true });
            servers[old].Terminate();
            Assert.Equal(0, await servers[old].Ended.WaitAsync(Patience));
            await Network.RemovePodAsync(old);
            lab.Mesh.Remove(old);
            await Task.WhenAll(loads.Select(load => load.SettleAsync()));
        }

        foreach (var load in loads) AssertNothingFailed(await load.StopAsync());
        await leaving.DisposeAsync();
        foreach (var server in servers.Values) await server.KillAsync();
    }

    private static void AssertNothingFailed(LoadTally tally)
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"ok {tally.Ok}, p99 {tally.P99:0} ms");
        Assert.Equal((0, ""), (tally.Failed, tally.LastFailure));
    }
}
