using System.Net;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Model;
using BenchmarkDotNet.Attributes;

namespace Ambient.Bench.Micro.Discovery;

/// <summary>
/// A lookup among so many pods by the address that an app dialled, and the change of one pod. The lookups walk over the addresses, so that
/// in a large view they miss the processor's caches as the real ones do. The budget of a lookup is zero bytes.
/// </summary>
[MemoryDiagnoser]
public class ViewBenchmarks
{
    private const int Asked = 4_096;

    private readonly IPAddress[] _addresses = new IPAddress[Asked];
    private readonly string[] _uids = new string[Asked];
    private readonly IPAddress _unknown = IPAddress.Parse("192.0.2.1");
    private readonly Workload _first = new() { Uid = "", Namespace = "shop", Name = "", ServiceAccount = "api", WorkloadName = "api", Enrolment = Enrolment.Enrolled };
    private MeshView _view = MeshView.Empty;
    private MeshDelta[] _changes = [];
    private int _at;

    [Params(1_000, 100_000, 1_000_000)]
    public int Pods { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        MeshResource[] pods = [.. Enumerable.Range(0, Pods).Select(Pod)];
        if (!MeshView.Empty.TryApply(new MeshDelta("epoch", 1, true, pods, []), out MeshView? view, out string? reason))
            throw new InvalidOperationException(reason);
        _view = view;
        for (int i = 0; i < Asked; i++)
        {
            Workload pod = Pod((int)(i * 2_654_435_761L % Pods));
            (_addresses[i], _uids[i]) = (pod.Addresses[0], pod.Uid);
        }
        _changes = [.. Enumerable.Range(0, Asked).Select(i => new MeshDelta("epoch", 2, false,
            [Pod((int)(i * 2_654_435_761L % Pods)) with { Enrolment = Enrolment.Withdrawing }], []))];
    }

    [Benchmark]
    public bool FindByAddress() => _view.TryFindWorkload(_addresses[_at++ & (Asked - 1)], out _);

    [Benchmark]
    public bool FindByUid() => _view.TryFindWorkloadByUid(_uids[_at++ & (Asked - 1)], out _);

    [Benchmark]
    public bool FindNothing() => _view.TryFindWorkload(_unknown, out _);

    [Benchmark]
    public bool ApplyChangeOfOnePod() => _view.TryApply(_changes[_at++ & (Asked - 1)], out _, out _);

    // Of one deployment: what its pods share is one object, as it is after reading (Protocol/Model/SharedValues).
    private Workload Pod(int i) => _first with
    {
        Uid = new Guid(i, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10).ToString(),
        Name = $"api-{i}",
        Node = $"node-{i / 100}",
        Addresses = [new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i])],
    };
}
