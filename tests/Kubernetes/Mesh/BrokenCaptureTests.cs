using System.Diagnostics;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Kubernetes.Mesh;

/// <summary>Somebody breaks a captured pod's rules so that they cannot be mended: whoever owns the pod is told, and its peers go on as they did.</summary>
[Collection(nameof(WholeCluster))]
public sealed class BrokenCaptureTests(ApiServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_capture_that_cannot_be_mended_has_an_Event_and_takes_the_pod_not_out_of_the_mesh()
    {
        await using var cluster = await ClusterLab.StartAsync(server);
        var lab = cluster.Lab;
        var api = lab.Plan.Pod("api-21");
        await lab.EnrolAsync(cluster.Shop);

        var began = Stopwatch.GetTimestamp();
        string[] command = ["netns", "exec", api.Network, "sh", "-c", TakenTable.Script];
        using var broken = Process.Start(new ProcessStartInfo("ip", command) { RedirectStandardInput = true })!;
        try
        {
            await lab.UntilAsync("the pod is reported", Patience, async () => await lab.Controller.StateOfAsync(api) is { Phase: "unproved" } ? null : "not yet");
            await lab.UntilAsync("an Event", Patience, async () => (await server.EventsAsync(cluster.Shop))
                .Any(e => (string)e["reason"]! == "CaptureLost" && (string)e["regarding"]!["kind"]! == "Pod" && (string)e["regarding"]!["name"]! == api.Name && ((string)e["note"]!).Contains("rules: ", StringComparison.Ordinal)) ? null : "not yet");
            TestContext.Current.TestOutputHelper?.WriteLine($"broken rules to the Event: {Stopwatch.GetElapsedTime(began).TotalSeconds:0.0} s");
            // Longer than a Redirector that starts again is given before peers speak plaintext with its pods.
            await Task.Delay(Ambient.Controller.Enrolment.EnrolmentLedger.RegressionGrace + TimeSpan.FromSeconds(1));
            var now = await lab.Controller.StateOfAsync(api);
            Assert.Equal(("enrolled", "unproved"), (now.State, now.Phase));
        }
        finally
        {
            broken.StandardInput.Close();
        }
        Assert.True(broken.WaitForExit(TimeSpan.FromSeconds(10)));
        await lab.UntilAsync("it is captured again", Patience, async () => await lab.Controller.StateOfAsync(api) is { State: "enrolled", Phase: "captured" } ? null : "not yet");
        using var listener = PodSocket.Listen(api.Network, Plans.AppPort);
        using var client = await PodSocket.ConnectAsync("p11", api.V4, Plans.AppPort);
        using var accepted = await listener.AcceptSoonAsync();
        await lab.UntilAsync("by a tunnel", Patience, async () => (await lab.MetricsAsync()).Ways("destination", "web", "api").SequenceEqual(["tunnel mutual_tls"]) ? null : "not yet");
    }
}
