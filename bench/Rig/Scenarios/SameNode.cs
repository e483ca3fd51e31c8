using Ambient.Bench.Rig.Peers;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Requests between two pods of one node.</summary>
internal sealed class SameNodeRequests : HttpScenario
{
    public override string Name => "same-node-requests";

    public override string What => "1 KB HTTP keep-alive between two pods of one node, 32 connections; peers relay TCP to TCP without TLS";

    public override Stage Stage => Stage.OneNode;

    public override IReadOnlyList<Figure> Figures => [new("requests-cpu", "us a request", Reach: 0.8), new("rate", "requests/s", true)];

    public override async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var (result, cpu) = await WrkAsync(peer, 32, time);
        return new Dictionary<string, double> { ["requests-cpu"] = 1e6 * cpu / result.Requests, ["rate"] = result.Requests / result.Seconds };
    }
}

/// <summary>Bytes between two pods of one node.</summary>
internal sealed class SameNodeBulk : Bulk
{
    public override string Name => "same-node-bulk";

    public override string What => "iperf3 between two pods of one node, 8 flows; peers relay TCP to TCP without TLS";

    public override Stage Stage => Stage.OneNode;

    public override IReadOnlyList<Figure> Figures => [new("bulk-cpu", "s a GB", Reach: 0.5), new("rate", "GB/s", true)];

    public override async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var ((bytes, seconds), cpu) = await Metered.RunAsync(peer, () => Loads.IperfLoad.RunAsync(peer.ClientNetwork, peer.AddressOf(Loads.IperfLoad.Port), 8, time));
        return new Dictionary<string, double> { ["bulk-cpu"] = cpu / (bytes / 1e9), ["rate"] = bytes / 1e9 / seconds };
    }
}
