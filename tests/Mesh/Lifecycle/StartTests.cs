using System.Diagnostics;
using System.Globalization;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Lifecycle;

/// <summary>What a node's two programs cost before they carry anything: the time until the first byte, and memory at rest.</summary>
[Trait("Runs", "alone")]
public sealed class StartTests
{
    private const int Starts = 5, PodsAtRest = 100;

    // What the project asks of an otherwise idle machine; a test run is none, so ten times as much passes.
    private const double FirstByteMilliseconds = 100, NodeProxyMegabytes = 20, RedirectorMegabytes = 8, OnABusyMachine = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(2)]           // a client and two servers
    [InlineData(PodsAtRest)]  // the client's is the last pod that Redirector hands over, or any other
    public async Task A_NodeProxy_that_starts_with_a_view_and_certificates_at_hand_forwards_its_first_byte_at_once(int pods)
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        await using var lab = await Lab.StartAsync(Plan(nodes: 2, pods));
        await lab.EnrolAsync("shop");
        foreach (var (way, server) in new[] { ("within the node", lab.Plan.Pod("web-12")), ("through a tunnel", lab.Plan.Pod("web-21")) })
        {
            using var listener = PodSocket.Listen(server.Network);
            var taken = new List<double>();
            for (int i = 0; i < Starts; i++) taken.Add(await FirstByteAsync(lab, server, listener));
            TestContext.Current.TestOutputHelper?.WriteLine(
                $"{way}, {pods} pods: first byte after {string.Join(", ", taken.Order().Select(Text))} ms (asked: {FirstByteMilliseconds})");
            Assert.True(taken.Order().ElementAt(Starts / 2) <= FirstByteMilliseconds * OnABusyMachine);
        }
    }

    [Fact]
    public async Task A_node_with_a_hundred_pods_at_rest_takes_little_memory()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        await using var lab = await Lab.StartAsync(Plan(nodes: 1, PodsAtRest));
        await lab.EnrolAsync("shop");
        double node = await AtRestAsync(lab, lab.Nodes[0].NodeProxy), redirector = await AtRestAsync(lab, lab.Nodes[0].Redirector);
        Assert.True(node <= NodeProxyMegabytes * OnABusyMachine, $"NodeProxy: {node}");
        Assert.True(redirector <= RedirectorMegabytes * OnABusyMachine, $"Redirector: {redirector}");
    }

    // Killed, it leaves its view and its certificates with Redirector. The client's connection waits in the listener's backlog before the start.
    private static async Task<double> FirstByteAsync(Lab lab, PodPlan server, System.Net.Sockets.Socket listener)
    {
        var node = lab.Nodes[0];
        await StoredAsync(lab, node);
        await node.NodeProxy.KillAsync();
        using var client = await PodSocket.ConnectAsync("p11", server.V4, Plans.AppPort);
        await client.SendAllAsync("x"u8.ToArray());
        long began = Stopwatch.GetTimestamp();
        node.NodeProxy.Start();
        using var accepted = await listener.AcceptSoonAsync();
        await accepted.ReceiveExactlyAsync(1);
        double taken = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
        await node.WaitUntilReadyAsync(Patience);
        return taken;
    }

    // All pods are captured: then its state has been with Redirector for long enough.
    private static async Task StoredAsync(Lab lab, LabNode node)
    {
        int pods = lab.Plan.Pods.Count(pod => pod.Node == node.Number);
        await lab.UntilAsync($"{node.Name} has captured {pods} pods", Patience, async () =>
            (await node.Admin.GetMetricsAsync()).Sum("ambient_node_pods_captured") is var captured && captured == pods ? null : $"{captured}");
        await Task.Delay(TimeSpan.FromMilliseconds(500)); // the state is stored at most 200 ms after the last change; nothing tells of it
    }

    private static async Task<double> AtRestAsync(Lab lab, Supervised process)
    {
        double least = double.MaxValue;
        // What the enrolment left behind goes with the collections of the first seconds.
        await lab.UntilAsync($"{process.Name} is at rest", Patience, () =>
        {
            double now = Megabytes(process.Current!.Id, "Pss:");
            bool isFalling = now < least - 0.1;
            least = Math.Min(least, now);
            return Task.FromResult(isFalling ? $"{now} MB and falling" : null);
        });
        string Part(string name) => Text(Megabytes(process.Current!.Id, name));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{process.Name}: PSS {Part("Pss:")} MB, of that anonymous {Part("Pss_Anon:")}, files {Part("Pss_File:")}; RSS {Part("Rss:")}, "
            + $"{Directory.EnumerateFileSystemEntries($"/proc/{process.Current!.Id}/task").Count()} threads");
        return Megabytes(process.Current!.Id, "Pss:");
    }

    private static double Megabytes(int process, string name) =>
        double.Parse(File.ReadLines($"/proc/{process}/smaps_rollup").First(line => line.StartsWith(name, StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;

    private static string Text(double value) => value.ToString("0.0", CultureInfo.InvariantCulture);

    private static LabPlan Plan(int nodes, int pods) => new()
    {
        Nodes = nodes,
        Pods =
        [
            .. Enumerable.Range(1, pods).Select(slot => new PodPlan("shop", "web", 1, slot)),
            .. nodes > 1 ? new[] { new PodPlan("shop", "web", 2, 1) } : [],
        ],
        DrainSeconds = 1,
    };
}
