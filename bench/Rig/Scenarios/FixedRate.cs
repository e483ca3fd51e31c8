using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>1 KB requests at 4,000 a second, open loop: latency as users see it.</summary>
internal sealed class FixedRate : HttpScenario
{
    private const double Rate = 4000;

    public override string Name => "fixed-rate";

    public override string What => "1 KB requests at 4,000/s over 64 keep-alive connections, open loop, latency from the schedule";

    public override IReadOnlyList<string> Programs => ["nginx"];

    public override IReadOnlyList<Figure> Figures => [new("cpu", "us a request", Reach: 0.45), new("p99", "ms", Reach: 0.7), new("p50", "ms")];

    public override async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var (result, cpu) = await Metered.RunAsync(peer, () => OpenLoopCommand.RunAsync(peer.ClientNetwork, peer.AddressOf(HttpServer.Port), 64, Rate, time));
        if (result.Failed > 0) throw new LabException($"{peer.Name}: {result.Failed} requests failed");
        // The half second of warming up is carried by the proxy as well.
        return new Dictionary<string, double> { ["cpu"] = 1e6 * cpu / (result.Answered + (0.5 * Rate)), ["p99"] = result.P99Milliseconds, ["p50"] = result.P50Milliseconds };
    }
}
