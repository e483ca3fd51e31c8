using System.Diagnostics;
using Ambient.Controller.Enrolment;
using Ambient.Protocol.Model;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Replicas;

namespace Ambient.Tests.Kubernetes.Views;

/// <summary>
/// From the API to the nodes: a real controller as a process, and NodeProxy's own end of the stream with its view. What nodes end up with is
/// compared with what the API says, asked by another way.
/// </summary>
[Collection(nameof(WholeCluster))]
public sealed class NodeViewTests(ApiServer server)
{
    private const int ChangesPerSecond = 50, Nodes = 4, LabelledPods = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30), LabelBound = TimeSpan.FromSeconds(2);

    // The minute is the promise. A fake server, whose watches lose nothing by themselves, shows in a quarter of it what it can show.
    private TimeSpan Churn => TimeSpan.FromSeconds(server.IsReal || Environment.GetEnvironmentVariable("AMBIENT_ENDURANCE") == "full" ? 60 : 15);

    [Fact]
    public async Task Pods_that_churn_at_fifty_a_second_while_watches_are_cut_leave_every_node_with_the_view_that_the_api_has()
    {
        var seed = Random.Shared.Next();
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        await using var mesh = await MeshCluster.CreateAsync(server);
        await using var line = server.OpenLine();
        await using var controller = await ControllerProcess.StartAsync(line.KubeconfigPath, mesh.Namespace);
        await using var nodes = await ConnectedNodes.ConnectAsync(server, mesh, controller.EndPoint, Nodes, _ => false);
        var churning = new ChurningNamespace(server, [.. nodes.All.Select(node => node.Name)], seed);
        await churning.CreateAsync();

        using var over = new CancellationTokenSource();
        var cutting = CutAsync(line, new Random(seed), over.Token);
        var rate = await churning.RunAsync(ChangesPerSecond, Churn);
        await over.CancelAsync();
        var cuts = await cutting;

        var ended = Stopwatch.GetTimestamp();
        var expected = await NamespaceView.OfApiAsync(server, churning.Name, churning.SlicesPath);
        await AllAsync(nodes, node => expected.DifferenceTo(NamespaceView.OfNode(node.Views.Current, churning.Name)), controller);
        var took = Stopwatch.GetElapsedTime(ended);
        // The last order leaves after the view.
        await AllAsync(nodes, node => node.Views.Current.WorkloadsOn(node.Name).Count(pod => pod.Namespace == churning.Name) is var own && own == node.CapturedPods
            ? "" : $"{own} pods are its own, {node.CapturedPods} are captured", controller);
        TestContext.Current.TestOutputHelper?.WriteLine($"{string.Join(", ", churning.Changes.Select(c => $"{c.Value} {c.Key}"))}: {rate:0}/s for {Churn.TotalSeconds} s, {cuts} cuts of all watches; "
            + $"{nodes.All.Count} nodes had the API's {expected.Lines.Count} lines {took.TotalMilliseconds:0} ms after the last change");
        Assert.True(expected.Lines.Count > 100, $"only {expected.Lines.Count} lines");
        Assert.True(rate > ChangesPerSecond / 10.0, $"{rate}/s");
        Assert.True(cuts > 0);
        Assert.Empty(nodes.All.SelectMany(node => node.Faults));
    }

    [Fact]
    public async Task Two_hundred_pods_are_ordered_enrolled_and_let_go_of_on_their_nodes_with_the_label_of_their_namespace()
    {
        await using var mesh = await MeshCluster.CreateAsync(server);
        await using var controller = await ControllerProcess.StartAsync(server.KubeconfigPath, mesh.Namespace);
        var began = Stopwatch.GetTimestamp();
        var isWanted = false;
        await using var nodes = await ConnectedNodes.ConnectAsync(server, mesh, controller.EndPoint, Nodes, _ => Volatile.Read(ref isWanted));
        var ns = await server.CreateNamespaceAsync("labelled");
        await Parallel.ForAsync(0, LabelledPods, new ParallelOptions { MaxDegreeOfParallelism = 8 },
            async (i, _) => await server.ApplyAsync($$"""
                apiVersion: v1
                kind: Pod
                metadata: { name: web-{{i}}, namespace: {{ns}} }
                spec: { nodeName: {{nodes.All[i % Nodes].Name}}, containers: [ { name: app, image: none } ] }
                status: { phase: Running, podIP: 10.82.{{i / 100}}.{{(i % 100) + 1}}, podIPs: [ { ip: 10.82.{{i / 100}}.{{(i % 100) + 1}} } ] }
                """));
        await StateAsync(Enrolment.None, ordered: 0);
        // In a controller's first seconds no acks count. And as long as a MeshNode says that another replica serves a node (other tests' may), a
        // withdrawal waits for its whole 2 s, since that node's acks are not heard here.
        if (EnrolmentLedger.SettleTime - Stopwatch.GetElapsedTime(began) is var left && left > TimeSpan.Zero)
            await Task.Delay(left);

        for (var time = 0; time < 2; time++)
        {
            var watch = Stopwatch.StartNew();
            await server.MergePatchAsync($"/api/v1/namespaces/{ns}", """{ "metadata": { "labels": { "ambient.mesh/enroll": "true" } } }""");
            await StateAsync(Enrolment.Enrolled, ordered: LabelledPods / Nodes);
            Measured("label on: ordered, reported as captured and told as enrolled on every node", watch);
            Volatile.Write(ref isWanted, true);
            await Task.Delay(TimeSpan.FromMilliseconds(500));
            Volatile.Write(ref isWanted, false);

            watch.Restart();
            await server.MergePatchAsync($"/api/v1/namespaces/{ns}", """{ "metadata": { "labels": { "ambient.mesh/enroll": null } } }""");
            await StateAsync(Enrolment.None, ordered: 0);
            Measured("label off: told, let go of and told as out on every node", watch);
        }
        Assert.Empty(nodes.All.SelectMany(node => node.Faults));

        Task StateAsync(Enrolment state, int ordered) => AllAsync(nodes, node =>
            node.Views.Current.Workloads.Count(pod => pod.Namespace == ns && pod.Enrolment == state) is var count && (count, node.CapturedPods) == (LabelledPods, ordered)
                ? "" : $"{count} of {LabelledPods} pods are {state}, {node.CapturedPods} of its own are captured and not {ordered}", controller);

        static void Measured(string what, Stopwatch watch)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"{what}: {watch.ElapsedMilliseconds} ms for {LabelledPods} pods (bound {LabelBound.TotalMilliseconds} ms, checked at ten times)");
            Assert.True(watch.Elapsed < LabelBound * 10, $"{what}: {watch.Elapsed}");
        }
    }

    private static async Task AllAsync(ConnectedNodes nodes, Func<SimulatedNode, string> missing, ControllerProcess controller)
    {
        string Missing() => string.Join('\n', nodes.All.Select(node => (node.Name, Missing: missing(node))).Where(n => n.Missing.Length > 0).Select(n => $"{n.Name}: {n.Missing}"));
        Assert.True(await Eventually.TrueAsync(() => Missing().Length == 0, Patience), $"{Missing()}\n{string.Join('\n', controller.Log.TakeLast(20))}");
    }

    // Two cuts in three only break what is open; the others keep the server away for a moment.
    private static async Task<int> CutAsync(ApiLine line, Random random, CancellationToken over)
    {
        for (var cuts = 0; ; cuts++)
        {
            try
            {
                await Task.Delay(random.Next(300, 4000), over);
            }
            catch (OperationCanceledException)
            {
                return cuts;
            }
            if (random.Next(3) > 0)
            {
                line.Break();
                continue;
            }
            line.Cut();
            await Task.Delay(random.Next(500));
            line.Restore();
        }
    }
}
