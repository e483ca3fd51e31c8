using System.Diagnostics;
using System.Globalization;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Model;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Discovery;

/// <summary>
/// What a node pays for knowing a large mesh: from the bytes of the wire to the view, and for one change of it. Printed
/// (<c>-showLiveOutput</c>; docs/performance.md quotes them) beside bounds of ten times what is promised there.
/// </summary>
[Collection(nameof(MeasuredAlone))]
public sealed class ViewScaleTests(ITestOutputHelper output)
{
    private const string Epoch = "epoch-1";
    private const int Workloads = 100_000;

    private readonly LargeMesh _mesh = new(Workloads);

    [Fact]
    public void A_workload_an_endpoint_and_a_service_take_little_memory()
    {
        long services = Retained(_mesh.Wire([.. Enumerable.Range(0, _mesh.Services).Select(_mesh.Service), _mesh.Settings]));
        long pods = Retained(_mesh.Wire(_mesh.Pods())), dual = Retained(_mesh.Wire(_mesh.Pods(dualStack: true)));
        long all = Retained(_mesh.Wire(_mesh.All()));
        long withoutEndpoints = Retained(_mesh.Wire(_mesh.All().Where(resource => resource is not Endpoint)));
        output.WriteLine(Line($"a workload {pods / Workloads} bytes, with two addresses {dual / Workloads}; a service {services / _mesh.Services}; an endpoint {(all - withoutEndpoints) / Workloads}; all {all / 1e6:F1} MB"));
        Assert.InRange(pods / Workloads, 1, 4_000);
    }

    [Fact]
    public void A_first_view_is_read_in_a_second()
    {
        IReadOnlyList<byte[]> wire = _mesh.Wire(_mesh.All());
        TimeSpan best = TimeSpan.MaxValue;
        for (int round = 0; round < 4; round++)
        {
            GC.Collect();
            var (bytes, began, cpu, pause) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime, GC.GetTotalPauseDuration());
            MeshView view = Read(wire);
            TimeSpan took = Environment.CpuUsage.TotalTime - cpu;
            best = took < best ? took : best;
            output.WriteLine(Line($"{wire.Sum(part => part.Length) / 1e6:F1} MB in {wire.Count} parts: {Stopwatch.GetElapsedTime(began).TotalMilliseconds:F0} ms, {took.TotalMilliseconds:F0} ms CPU, {(GC.GetTotalPauseDuration() - pause).TotalMilliseconds:F0} ms of it pauses, {(GC.GetAllocatedBytesForCurrentThread() - bytes) / 1e6:F0} MB allocated"));
            Assert.Equal(Workloads, view.WorkloadCount);
        }
        Assert.True(best < 10 * TimeSpan.FromSeconds(1), $"{best.TotalSeconds:F1} s CPU (promised: 1 s)");
    }

    [Fact]
    public void A_change_costs_what_it_changes()
    {
        MeshView view = Read(_mesh.Wire(_mesh.All()));
        Changes("a pod's enrolment", i => _mesh.Pod(i) with { Enrolment = Enrolment.Withdrawing });
        Changes("a pod's end", i => _mesh.Pod(i), remove: true);
        Changes("a new pod", i => _mesh.Pod(Workloads + i));
        Changes("an endpoint that is no longer ready", i => _mesh.Endpoint(i, ready: false));
        Changes("an endpoint's end", i => _mesh.Endpoint(i), remove: true);
        Changes("a service's port", i => _mesh.Service(i) with { Ports = [new ServicePort("http", 81)] });
        Changes("a policy", i => _mesh.Policy(i % _mesh.Policies) with { Rules = [] });

        void Changes(string what, Func<int, MeshResource> change, bool remove = false)
        {
            const int Count = 500;
            byte[][] wire = [.. Enumerable.Range(0, Count).Select(i => Wire(change(i * 7_919 % (_mesh.Services / 2)), (ulong)i + 2, remove))];
            var assembler = new DeltaAssembler(Epoch, new SharedValues());
            double us = double.MaxValue, bytes = 0;
            for (int round = 0; round < 5; round++)
            {
                MeshView next = view;
                var (allocated, began) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp());
                foreach (byte[] one in wire)
                    next = Apply(next, assembler, one);
                us = Math.Min(us, Stopwatch.GetElapsedTime(began).TotalMicroseconds / Count);
                bytes = (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)Count;
            }
            output.WriteLine(Line($"{what}: {us:F1} us, {bytes:F0} bytes allocated, {wire[0].Length} on the wire"));
            Assert.InRange(us, 0, 1_000);
            Assert.InRange(bytes, 0, 40_000);
        }
    }

    private static byte[] Wire(MeshResource resource, ulong version, bool remove)
    {
        var delta = new Delta { Version = version };
        if (remove)
            delta.Removals.Add(resource.Key);
        else
            delta.Upserts.Add(ResourceWriter.Write(resource));
        return delta.ToByteArray();
    }

    private static long Retained(IReadOnlyList<byte[]> wire)
    {
        Read(wire);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        MeshView view = Read(wire);
        long bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(view);
        return bytes;
    }

    private static MeshView Read(IReadOnlyList<byte[]> wire)
    {
        var assembler = new DeltaAssembler(Epoch, new SharedValues());
        return wire.Aggregate(MeshView.Empty, (view, part) => Apply(view, assembler, part));
    }

    private static MeshView Apply(MeshView view, DeltaAssembler assembler, byte[] part)
    {
        if (!assembler.TryComplete(Delta.Parser.ParseFrom(part), out MeshDelta? delta))
            return view;
        Assert.True(view.TryApply(delta, out MeshView? next, out string? reason), reason);
        return next;
    }

    private static string Line(FormattableString line) => line.ToString(CultureInfo.InvariantCulture);
}
