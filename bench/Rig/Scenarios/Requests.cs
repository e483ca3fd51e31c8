using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>1 KB requests over keep-alive connections, closed loop.</summary>
internal sealed class Requests : HttpScenario
{
    public override string Name => "requests";

    public override string What => "1 KB HTTP keep-alive through TCP proxying, 32 and 256 connections, closed loop; p99 by our own closed loop, over connections that have carried for a second";

    public override IReadOnlyList<Figure> Figures =>
    [
        new("cpu-32", "us a request", Reach: 0.45), new("cpu-256", "us a request", Reach: 0.35), new("p99-256", "ms"),
        new("rate-32", "requests/s", true), new("rate-256", "requests/s", true),
        new("cpu-all-32", "us a request, whole machine, tools and other work included"), new("cpu-all-256", "us a request, whole machine, tools and other work included"),
    ];

    public override async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var few = await KeepAliveAsync(peer, 32, time);
        var many = await KeepAliveAsync(peer, 256, time);
        return new Dictionary<string, double>
        {
            ["cpu-32"] = few.CpuMicroseconds, ["cpu-256"] = many.CpuMicroseconds, ["p99-256"] = await ClosedLoop.P99Async(peer, 256, time),
            ["rate-32"] = few.Rate, ["rate-256"] = many.Rate, ["cpu-all-32"] = few.AllCpuMicroseconds, ["cpu-all-256"] = many.AllCpuMicroseconds,
        };
    }
}
