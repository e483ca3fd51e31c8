using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Endurance;

/// <summary>Pods end without anybody telling the mesh. In a lab of its own.</summary>
public sealed class PodEndTests
{
    [Fact]
    public async Task A_pod_ends_while_the_controller_is_away_and_its_namespace_goes_and_its_address_is_free()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var plan = Plans.Standard;
        await using var lab = await Lab.StartAsync(plan);
        await lab.EnrolAsync("shop", "guarded");
        var pod = plan.Pod("jobs-23");
        var server = await Load.ServeAsync(lab, pod);
        await using (var load = await Load.StartAsync(lab, "p11", plan.Service("jobs").V4, 80))
        {
            await lab.Controller.Process.KillAsync();
            await server.KillAsync();
            await Network.RemovePodAsync(pod);
            var gone = await lab.UntilGoneAsync(pod, TimeSpan.FromSeconds(15));
            TestContext.Current.TestOutputHelper?.WriteLine($"gone after {gone.TotalSeconds:0.0} s");
            Assert.True(gone < TimeSpan.FromSeconds(5), $"{gone}");
        }

        // Another pod takes the address while the controller is still away.
        await lab.Network.AddPodAsync(pod);
        using var listener = PodSocket.Listen(pod.Network);
        using var client = await PodSocket.ConnectAsync(Topology.Outside, pod.V4, Plans.AppPort);
        using var accepted = await listener.AcceptSoonAsync();
    }

    [Fact]
    public async Task A_pod_with_the_address_of_one_that_ended_joins_the_mesh_under_its_own_identity()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        var plan = Plans.Standard;
        await using var lab = await Lab.StartAsync(plan);
        await lab.EnrolAsync("shop", "guarded");
        var old = plan.Pod("jobs-23");
        await Network.RemovePodAsync(old);
        lab.Mesh.Remove(old);
        await lab.UntilGoneAsync(old, TimeSpan.FromSeconds(15));

        // The same address and, as a pod of a stateful set has it, the same name; another UID, another account.
        var successor = new PodPlan("shop", "mail", 2, 3);
        await lab.Network.AddPodAsync(successor);
        lab.Mesh.Put(successor);
        await lab.Controller.WaitForStateAsync("enrolled", [successor], TimeSpan.FromSeconds(30));
        using var listener = PodSocket.Listen(successor.Network);
        using var client = await PodSocket.ConnectAsync("p11", successor.V4, Plans.AppPort);
        using var accepted = await listener.AcceptSoonAsync();
        await lab.UntilAsync("the connection is counted", TimeSpan.FromSeconds(5), async () =>
            (await lab.MetricsAsync()).Ways("destination", "web", "mail").SequenceEqual(["tunnel mutual_tls"]) ? null : "not yet");
    }
}
