using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>What a mesh that changes all the time costs those who do not change: fixed-rate with endpoints coming and going elsewhere.</summary>
internal sealed class Churn : HttpScenario
{
    private const string Quiet = "quiet";

    public override string Name => "churn";

    public override string What => $"fixed-rate while {EndpointChurn.PerSecond} endpoints a second of another service come or go, {EndpointChurn.AtOnce} in each edit of the folder; `{Quiet}` is ambient without that";

    public override IReadOnlyList<string> Programs => ["nginx"];

    public override IReadOnlyList<Figure> Figures =>
    [
        new("p99", "ms", Reach: 1.1, Against: Quiet), new("p50", "ms", Against: Quiet), new("cpu", "us a request", Against: Quiet),
        new("changes", "endpoint changes/s in the folder", true, Against: Quiet), new("views", "versions of the view/s that the client's node put in force", true, Against: Quiet),
    ];

    public override IReadOnlyList<IPeer> PeersFrom(IReadOnlyList<IPeer> ofStage) =>
        [.. ofStage.Where(peer => peer.Name == "ambient").SelectMany(peer => new[] { peer, new RenamedPeer(peer, Quiet) })];

    public override async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        await using var churn = peer.Name == Quiet ? null : await EndpointChurn.StartAsync(ground.Lab);
        var run = await OpenLoopCommand.RunAsync(ground.Lab, peer, [new LoadTarget(peer.ClientNetwork, peer.AddressOf(HttpServer.Port))], FixedRate.Connections, FixedRate.Rate, time);
        var (changes, views) = churn is null ? (double.NaN, double.NaN) : await churn.RatesAsync();
        return new Dictionary<string, double>
        {
            ["p99"] = run.Result.P99Milliseconds, ["p50"] = run.Result.P50Milliseconds, ["cpu"] = 1e6 * run.CpuSeconds / run.Result.Answered, ["changes"] = changes, ["views"] = views,
        };
    }
}
