using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>
/// From what a source says to the bytes that nodes are sent, one change costs what it changes, however large the mesh is. What is held to
/// that is what it allocates, which is the same in every run; the time is printed beside it (<c>-showLiveOutput</c>).
/// </summary>
public sealed class PushGrowthTests(ITestOutputHelper output)
{
    private const int EndpointsPerSlice = 100, Changes = 20;
    private static readonly SourcePlace Place = new("watch", 0);
    private static readonly FrozenDictionary<string, string> None = FrozenDictionary<string, string>.Empty;
    private static readonly ImmutableArray<SlicePort> Ports = [new("http", 8080)];

    [Theory]
    [InlineData("an endpoint is not ready")]
    [InlineData("a pod is another")]
    [InlineData("a node reports")]
    public void A_change_costs_what_it_changes_and_not_what_there_is(string what)
    {
        var costs = new[] { 1_000, 10_000, 100_000 }.Select(pods => (pods, Cost: CostOf(what, pods))).ToList();
        foreach (var (pods, cost) in costs)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}, {pods:N0} pods: {cost.Bytes / 1024.0:F0} KB allocated, {cost.Time.TotalMilliseconds:F2} ms"));
        // A path through a tree grows with the logarithm; a walk over all would be a hundred times as much.
        Assert.True(costs[^1].Cost.Bytes < (2 * costs[0].Cost.Bytes) + 50_000, string.Join(", ", costs));
    }

    private static (long Bytes, TimeSpan Time) CostOf(string what, int pods)
    {
        var objects = Mesh(pods);
        var builder = new ModelBuilder("cluster.local");
        var composer = new ViewComposer(_ => EnrolmentState.None, _ => [], _ => [], (_, _) => { });
        var history = new ViewHistory();
        history.Apply(composer.Update(builder.Apply(new SourceChange([.. objects], [], [], [], false))));

        var best = (Bytes: long.MaxValue, Time: TimeSpan.MaxValue);
        for (var i = 0; i < Changes; i++)
        {
            var was = objects.Where(o => what[..3] switch { "an " => o is EndpointSliceObject, "a p" => o is PodObject, _ => o is NodeObject }).ElementAt(i % 10);
            SourceObject now = was switch
            {
                EndpointSliceObject slice => slice with { Endpoints = slice.Endpoints.SetItem(i, slice.Endpoints[i] with { IsReady = false }) },
                PodObject pod => pod with { ServiceAccount = $"account-{i}" },
                NodeObject node => node with { Addresses = [.. node.Addresses] },   // as often as its status does
                _ => throw new InvalidOperationException(),
            };
            objects[objects.IndexOf(was)] = now;
            var change = new SourceChange([now], [was], [], [], false);
            var (bytes, began) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
            history.Apply(composer.Update(builder.Apply(change)));
            history.ChangeFrom(history.Version - 1, ViewScope.Everything, ViewScope.Everything);
            best = (Math.Min(best.Bytes, GC.GetAllocatedBytesForCurrentThread() - bytes), best.Time < Stopwatch.GetElapsedTime(began) ? best.Time : Stopwatch.GetElapsedTime(began));
        }
        return best;
    }

    // A thousand pods a namespace, ten a node, a service of a hundred endpoints for every ten.
    private static List<SourceObject> Mesh(int pods)
    {
        var objects = new List<SourceObject>();
        for (var i = 0; i < pods / 10; i++)
            objects.Add(new NodeObject($"node-{i}", [new IPAddress([10, 200, (byte)(i >> 8), (byte)i])], "zone", Place));
        for (var i = 0; i < pods; i += 1000)
            objects.Add(new NamespaceObject($"ns-{i / 1000}", new Dictionary<string, string> { [ModelBuilder.EnrolLabel] = "true" }.ToFrozenDictionary(), None, Place));
        for (var i = 0; i < pods; i++)
        {
            objects.Add(new PodObject($"ns-{i / 1000}", $"pod-{i}", $"uid-{i}", None, None, $"node-{i % (pods / 10)}", "account", false, [AddressOf(i)], false, true, "app",
                FrozenDictionary<string, int>.Empty, Place));
        }
        for (var i = 0; i < pods / 10; i++)
        {
            var ns = i / 100;
            objects.Add(new ServiceObject($"ns-{ns}", $"s{i}", [new IPAddress([172, 16, (byte)(i >> 8), (byte)i])], false, [new ServicePortObject("http", 80, 8080, "", "TCP", "")], null, Place));
            objects.Add(new EndpointSliceObject($"ns-{ns}", $"s{i}-x", $"s{i}", [.. Enumerable.Range(0, EndpointsPerSlice).Select(k => (ns * 1000) + (((i * 10) + k) % 1000))
                .Select(pod => new SliceEndpoint([AddressOf(pod)], true, $"pod-{pod}", "zone") { Node = $"node-{pod % (pods / 10)}" })], Ports, Place));
        }
        return objects;
    }

    private static IPAddress AddressOf(int i) => new([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]);
}
