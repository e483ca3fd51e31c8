using System.Buffers;
using Ambient.NodeProxy.Telemetry;
using BenchmarkDotNet.Attributes;

namespace Ambient.Bench.Micro.Telemetry;

/// <summary>What a connection's counting costs its loop (budget: zero bytes), and what a scrape of 1,000 edges costs the one who asks.</summary>
[MemoryDiagnoser]
public class MetricsBenchmarks
{
    private const int Edges = 1_000;

    private readonly DataPathMetrics _all = new(2);
    private readonly EdgeKey _key = Key(7);
    private readonly ArrayBufferWriter<byte> _page = new(1 << 20);
    private LoopMetrics _loop = null!;
    private EdgeMetrics _edge = null!;

    [GlobalSetup]
    public void Prepare()
    {
        _loop = _all.ForLoop(0);
        for (int i = 0; i < Edges; i++)
            _loop.Edge(Key(i)).Opened();
        _edge = _loop.Edge(_key);
    }

    [Benchmark]
    public EdgeMetrics FindEdge() => _loop.Edge(_key);

    [Benchmark]
    public void CountConnection()
    {
        _edge.Opened();
        _edge.Sent(1_024);
        _edge.Received(1_024);
        _edge.Closed(0.012);
    }

    [Benchmark]
    public void CountRefusal() => _loop.Refused(RefusalReason.Denied, Reporter.Source);

    [Benchmark]
    public int Scrape()
    {
        _page.ResetWrittenCount();
        _all.WriteExposition(_page);
        return _page.WrittenCount;
    }

    private static EdgeKey Key(int i) => new(
        Reporter.Source, $"web-{i}", "shop", $"spiffe://cluster.local/ns/shop/sa/web-{i}", "api", "shop", "spiffe://cluster.local/ns/shop/sa/api", "shop/api",
        Way.Tunnel, Protection.MutualTls);
}
