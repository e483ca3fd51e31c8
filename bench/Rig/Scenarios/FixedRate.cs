using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>1 KB requests at 4,000 a second, open loop: latency as users see it.</summary>
internal sealed class FixedRate : HttpScenario
{
    public const double Rate = 4000;
    public const int Connections = 64;

    public override string Name => "fixed-rate";

    public override string What => $"1 KB requests at {Rate:#,0}/s over {Connections} keep-alive connections, open loop, latency from the schedule";

    public override IReadOnlyList<string> Programs => ["nginx", "h2load"];

    public override IReadOnlyList<Figure> Figures =>
    [
        new("cpu", "us a request", Reach: 0.45), new("p99", "ms", Reach: 0.7), new("p50", "ms"),
        new("cpu-all", "us a request, whole machine, tools and other work included"), new("load-cpu", "us a request of the load itself"), new("load-late-p99", "ms that requests were sent after they were due"),
    ];

    public override async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var run = await OpenLoopCommand.RunAsync(ground.Lab, peer, [new LoadTarget(peer.ClientNetwork, peer.AddressOf(HttpServer.Port))], Connections, Rate, time);
        return new Dictionary<string, double>
        {
            ["cpu"] = 1e6 * run.CpuSeconds / run.Result.Answered, ["p99"] = run.Result.P99Milliseconds, ["p50"] = run.Result.P50Milliseconds,
            ["cpu-all"] = 1e6 * run.AllCpuSeconds / run.Result.Answered, ["load-cpu"] = run.Result.OwnCpuMicroseconds, ["load-late-p99"] = run.Result.LateP99Milliseconds,
        };
    }

    public override async Task<string?> CheckLoadAsync(Ground ground, IReadOnlyList<IPeer> peers, RigOptions options) =>
        peers.FirstOrDefault(peer => peer.Name == "direct") is { } direct ? await LoadAgreement.CheckAsync(ground, direct, options) : null;
}
