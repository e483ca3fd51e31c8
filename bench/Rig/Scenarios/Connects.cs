using Ambient.Bench.Rig.Peers;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>A new connection for each request.</summary>
internal sealed class Connects : HttpScenario
{
    public override string Name => "connects";

    public override string What => "a new connection for each 1 KB request, 32 at once";

    public override IReadOnlyList<Figure> Figures => [new("cpu", "us a connection", Reach: 0.05), new("rate", "connections/s", true, Reach: 9)];

    public override async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var (result, cpu) = await WrkAsync(peer, 32, time, newConnections: true);
        return new Dictionary<string, double> { ["cpu"] = 1e6 * cpu / result.Requests, ["rate"] = result.Requests / result.Seconds };
    }
}
