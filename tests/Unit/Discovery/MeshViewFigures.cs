using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;
using static Ambient.Tests.Unit.Discovery.MeshWorld;

namespace Ambient.Tests.Unit.Discovery;

/// <summary>What a view costs: allocation is asserted, times are printed (<c>-showLiveOutput</c>), since other work shares the machine.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class MeshViewFigures(ITestOutputHelper output)
{
    private static readonly IPAddress Nowhere = IPAddress.Parse("192.0.2.1");

    [Theory]
    [InlineData(1_000)]
    [InlineData(10_000)]
    [InlineData(100_000)]
    public void A_delta_costs_what_it_changes_however_large_the_mesh(int workloads)
    {
        Resource[] resources = Mesh(workloads);
        (MeshView view, double firstMs, double firstMb) = Measured(() => View(resources));

        const int Deltas = 200;
        Resource[] changes = [.. Enumerable.Range(0, Deltas).Select(i => Pod($"pod-{i}", Address(i), enrolment: Enrolment.Withdrawing))];
        var prepared = new List<MeshDelta>();
        for (int i = 0; i < Deltas; i++)
            prepared.Add(Delta((ulong)(2 + i), false, [changes[i]], []));
        foreach (MeshDelta delta in prepared.Take(50))
            After(view, delta);   // warm
        (MeshView after, double deltasMs, double deltasMb) = Measured(() => prepared.Aggregate(view, After));
        double bytesADelta = deltasMb * 1024 * 1024 / Deltas;

        (ImmutableDictionary<AddressKey, Workload> dictionary, double dictionaryMs, _) = Measured(() => view.Workloads.ToImmutableDictionary(w => new AddressKey(w.Addresses[0])));
        IPAddress[] asked = [.. Enumerable.Range(0, 20_000).Select(i => IPAddress.Parse(Address(i * 7_919 % workloads)))];
        double ours = NanosecondsEach(asked, a => after.TryFindWorkload(a, out _));
        double theirs = NanosecondsEach(asked, a => dictionary.TryGetValue(new AddressKey(a), out _));
        output.WriteLine(
            $"{workloads,7} workloads, {resources.Length} resources: first view {firstMs:F0} ms, {firstMb:F0} MB allocated; a delta {deltasMs * 1000 / Deltas:F1} us, {bytesADelta:F0} B; "
            + $"lookup {ours:F0} ns (ImmutableDictionary {theirs:F0} ns, built in {dictionaryMs:F0} ms)");

        Assert.True(bytesADelta < 16_384, $"a delta allocates {bytesADelta:F0} bytes");
    }

    [Theory]
    [InlineData(100)]
    [InlineData(10_000)]
    [InlineData(100_000)]
    public void A_changed_endpoint_costs_a_chunk_however_many_its_service_has(int endpoints)
    {
        MeshView view = View([ServiceOf("api", "10.96.0.1"), .. Enumerable.Range(0, endpoints).Select(i => EndpointOf("api", Address(i)))]);
        MeshDelta[] flips = [.. Enumerable.Range(0, 50).Select(i => Delta((ulong)(2 + i), false, [EndpointOf("api", Address(i), ready: i % 2 == 0)], []))];
        flips.Aggregate(view, After);
        (_, double ms, double mb) = Measured(() => flips.Aggregate(view, After));
        double bytes = mb * 1024 * 1024 / flips.Length;
        output.WriteLine($"{endpoints,7} endpoints: a change {ms * 1000 / flips.Length:F1} us, {bytes:F0} B");
        Assert.True(bytes < 16_384 + (endpoints / 64 * 8 * 2), $"a change allocates {bytes:F0} bytes");
    }

    [Fact]
    public void Looking_up_allocates_nothing()
    {
        MeshView view = View([.. Mesh(1_000), ServiceOf("api", "10.96.0.1"), EndpointOf("api", "10.0.0.1")]);
        IPAddress pod = IPAddress.Parse(Address(5)), vip = IPAddress.Parse("10.96.0.1"), mapped = pod.MapToIPv6();
        bool all = true;
        for (int round = 0; round < 2; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1_000; i++)
            {
                all &= view.TryFindWorkload(pod, out Workload? workload) & view.TryFindWorkload(mapped, out _) & !view.TryFindWorkload(Nowhere, out _);
                all &= view.TryFindWorkloadByUid("pod-7", out _) && workload!.IdentityIn(view.Settings.TrustDomain) is not null;
                all &= view.TryFindService(vip, out ServiceView? service) && service.TryFindPort(80, out Protocol.Model.ServicePort? port)
                    && service.ReadyEndpoints(port, System.Net.Sockets.AddressFamily.InterNetwork).Count == 1 && service.ReadyEndpoints(port).Length == 1;
            }
            if (round == 1)
                Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
        Assert.True(all);
    }

    private static string Address(int i) => $"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}";

    // One service and two endpoints for every ten pods, a hundred pods a node.
    private static Resource[] Mesh(int workloads)
    {
        var all = new List<Resource> { Settings() };
        for (int i = 0; i < workloads; i++)
        {
            all.Add(Pod($"pod-{i}", Address(i), $"node-{i / 100}"));
            if (i % 10 == 0)
            {
                all.Add(ServiceOf($"s{i}", $"172.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"));
                all.Add(EndpointOf($"s{i}", Address(i)));
                all.Add(EndpointOf($"s{i}", Address(i + 1)));
            }
        }
        return [.. all];
    }

    private static (T Result, double Milliseconds, double Megabytes) Measured<T>(Func<T> work)
    {
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        T result = work();
        return (result, Stopwatch.GetElapsedTime(start).TotalMilliseconds, (GC.GetAllocatedBytesForCurrentThread() - bytes) / 1024d / 1024d);
    }

    private static double NanosecondsEach(IPAddress[] asked, Func<IPAddress, bool> ask)
    {
        double best = double.MaxValue;
        for (int round = 0; round < 20; round++)
        {
            long start = Stopwatch.GetTimestamp();
            foreach (IPAddress address in asked)
                ask(address);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalNanoseconds / asked.Length);
        }
        return best;
    }
}
