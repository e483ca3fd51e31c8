using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>
/// What a large mesh costs the controller. Figures are printed (<c>-showLiveOutput</c>) beside bounds of ten times what a busy
/// machine of two cores showed; docs/performance.md quotes them.
/// </summary>
public sealed class ScaleFigures(ITestOutputHelper output)
{
    private const int PodsAService = 10;

    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    [InlineData(100_000)]
    public void A_change_of_one_pod_does_not_build_the_mesh_again(int workloads)
    {
        var objects = Mesh(workloads);
        var builder = new ModelBuilder("cluster.local");
        var composer = new ViewComposer(_ => EnrolmentState.None, pod => pod.Exclusions.InboundPorts, _ => [], (_, _) => Assert.Fail("too large"));
        var history = new ViewHistory();

        MeshModel model = null!;
        var first = Measured(() =>
        {
            model = builder.Build(Snapshot(objects));
            history.Apply(composer.Update(model));
        });
        var changed = 0;
        // The first round only warms up.
        var deltas = Enumerable.Range(0, 6).Select(round => Measured(() =>
        {
            var at = 1 + (round * workloads / 7);
            var pod = (PodObject)objects[at];
            objects = objects.SetItem(at, pod with { IsReady = !pod.IsReady, ServiceAccount = $"account-{round}" });
            var next = builder.Build(Snapshot(objects));
            var updates = composer.Update(next).ToList();
            changed = updates.Count;
            history.Apply(updates);
            model = next;
        })).Skip(1).ToList();
        var parts = history.ChangeFrom(history.Version - 1, ViewScope.Everything, ViewScope.Everything)!;

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{workloads,7} workloads: first view {first.Ms:F0} ms, {first.Mb:F0} MB allocated; a change {deltas.Min(d => d.Ms):F1} to {deltas.Max(d => d.Ms):F1} ms, {deltas.Max(d => d.Mb):F2} MB, {changed} resources encoded, {parts.Bytes} bytes to a node"));
        Assert.InRange(changed, 1, 2 + PodsAService);
        Assert.False(parts.IsFull);
        Assert.True(deltas.Min(d => d.Ms) < Math.Max(20, workloads / 100_000.0 * 2_500), $"{deltas.Min(d => d.Ms)} ms");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ten_thousand_pods_in_a_folder_are_served_and_a_change_of_one_file_reaches_a_node(bool isOneFile)
    {
        const int Pods = 10_000;
        await using var rig = await ControllerRig.StartAsync();
        await rig.StopAsync();
        File.Delete(Path.Combine(rig.Source, "mesh.yaml"));
        WriteFolder(rig.Source, Pods, isOneFile);

        var began = Stopwatch.GetTimestamp();
        var cpu = Environment.CpuUsage.TotalTime;
        await rig.RestartAsync();
        var started = Stopwatch.GetElapsedTime(began);
        var startCpu = Environment.CpuUsage.TotalTime - cpu;
        await using var node = await rig.ConnectAsync("n0");
        await node.UntilAsync(() => node.Deltas.Count > 0 && !node.Deltas[^1].More);
        var served = Stopwatch.GetElapsedTime(began) - started;
        await node.SettleAsync();
        Assert.Equal(Pods, node.View.Values.Count(r => r.Workload is not null));
        Assert.Equal(Pods / PodsAService, node.View.Values.Count(r => r.Service is not null));

        var name = isOneFile ? "all.yaml" : "p4711.yaml";
        var text = await File.ReadAllTextAsync(Path.Combine(rig.Source, name), TestContext.Current.CancellationToken);
        var deltas = node.Deltas.Count;
        (began, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        rig.Write(name, text.Replace("name: p4711, namespace", "name: p4711, uid: another, namespace", StringComparison.Ordinal));
        await node.UntilAsync(() => node.View.ContainsKey("workload/another"));
        var changed = Stopwatch.GetElapsedTime(began);

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Pods} pods in {(isOneFile ? "one file" : "as many files")}: started in {started.TotalSeconds:F1} s ({startCpu.TotalSeconds:F1} s CPU), a node has its first view {served.TotalMilliseconds:F0} ms after it connects, "
            + $"an edit reaches it in {changed.TotalMilliseconds:F0} ms ({(Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds:F0} ms CPU of controller, node and test) as {node.Deltas.Skip(deltas).Sum(d => d.Upserts.Count + d.Removals.Count)} resources"));
        Assert.InRange(node.Deltas.Skip(deltas).Sum(d => d.Upserts.Count + d.Removals.Count), 3, 20);
        Assert.True(changed < TimeSpan.FromSeconds(10), $"{changed}");
    }

    private static void WriteFolder(string folder, int pods, bool isOneFile)
    {
        var all = new StringBuilder("{kind: Namespace, metadata: {name: shop}}\n");
        for (var i = 0; i < pods / PodsAService; i++)
            all.Append($"---\n{{kind: Service, metadata: {{name: s{i}, namespace: shop}}, spec: {{clusterIP: {new IPAddress([172, 16, (byte)(i >> 8), (byte)i])}, selector: {{app: a{i}}}, ports: [{{port: 80, targetPort: 8080}}]}}}}\n");
        for (var i = 0; i < pods; i++)
        {
            var pod = $"kind: Pod\napiVersion: v1\nmetadata: {{name: p{i}, namespace: shop, labels: {{app: a{i / PodsAService}}}}}\nspec: {{nodeName: n0, serviceAccountName: a{i / PodsAService}}}\nstatus: {{podIP: {AddressOf(i)}}}\n";
            if (isOneFile)
                all.Append("---\n").Append(pod);
            else
                File.WriteAllText(Path.Combine(folder, $"p{i}.yaml"), pod);
        }
        File.WriteAllText(Path.Combine(folder, "all.yaml"), all.ToString());
    }

    private static ImmutableArray<SourceObject> Mesh(int workloads)
    {
        var place = new SourcePlace("a.yaml", 1);
        var none = FrozenDictionary<string, string>.Empty;
        var objects = ImmutableArray.CreateBuilder<SourceObject>();
        // A namespace of the mesh for a thousand pods, a node for a hundred.
        objects.Add(new NamespaceObject("none", none, none, place));
        for (var i = 0; i < workloads; i++)
        {
            var labels = new Dictionary<string, string> { ["app"] = $"a{i / PodsAService}", ["version"] = "1" }.ToFrozenDictionary();
            objects.Add(new PodObject($"ns-{i / 1000}", $"pod-{i}", Guid.NewGuid().ToString(), labels, none, $"node-{i / 100}", $"a{i / PodsAService}", false, [AddressOf(i)], false, true, $"a{i / PodsAService}",
                FrozenDictionary<string, int>.Empty, place));
        }
        for (var i = 0; i < workloads; i += 1000)
            objects.Add(new NamespaceObject($"ns-{i / 1000}", new Dictionary<string, string> { [ModelBuilder.EnrolLabel] = "true" }.ToFrozenDictionary(), none, place));
        for (var i = 0; i < workloads / PodsAService; i++)
        {
            objects.Add(new ServiceObject($"ns-{i * PodsAService / 1000}", $"s{i}", [new IPAddress([172, (byte)(16 + (i >> 16)), (byte)(i >> 8), (byte)i])], false,
                [new ServicePortObject("http", 80, 8080, "", "TCP", "")], new Dictionary<string, string> { ["app"] = $"a{i}" }.ToFrozenDictionary(), place));
        }
        return objects.DrainToImmutable();
    }

    private static IPAddress AddressOf(int i) => new([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]);

    private static SourceSnapshot Snapshot(ImmutableArray<SourceObject> objects) => new(objects, [], [], IsStandalone: true);

    private static (double Ms, double Mb) Measured(Action work)
    {
        var (bytes, began) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
        work();
        return (Stopwatch.GetElapsedTime(began).TotalMilliseconds, (GC.GetAllocatedBytesForCurrentThread() - bytes) / 1024d / 1024d);
    }
}
