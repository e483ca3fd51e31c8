using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Both pods on one node: no tunnel, and the peers have no TLS to do.</summary>
internal sealed class SameNode : IScenario
{
    private const int Connections = 32, Flows = 8;

    public string Name => "same-node";

    public string What => $"two pods of one node; 1 KB HTTP keep-alive over {Connections} connections, and iperf3 with {Flows} flows; peers relay TCP to TCP without TLS";

    public Stage Stage => Stage.OneNode;

    public IReadOnlyList<string> Programs => ["nginx", "wrk", "iperf3"];

    public IReadOnlyList<Figure> Figures =>
    [
        new("requests-cpu", "us a request", Reach: 0.8), new("bulk-cpu", "s a GB", Reach: 0.5), new("requests-rate", "requests/s", true), new("bulk-rate", "GB/s", true),
    ];

    // What iperf3 speaks is no HTTP.
    public bool Fits(string peer) => !peer.EndsWith("-http", StringComparison.Ordinal);

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer) =>
        [await HttpServer.StartAsync(ground, peer.ServerNetwork), await IperfLoad.StartServerAsync(ground.Lab, peer.ServerNetwork)];

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var requests = await HttpScenario.KeepAliveAsync(peer, Connections, time);
        var ((bytes, seconds), bulkCpu) = await Metered.RunAsync(peer, () => IperfLoad.RunAsync(peer.ClientNetwork, peer.AddressOf(IperfLoad.Port), Flows, time));
        return new Dictionary<string, double>
        {
            ["requests-cpu"] = requests.CpuMicroseconds, ["bulk-cpu"] = bulkCpu / (bytes / 1e9),
            ["requests-rate"] = requests.Rate, ["bulk-rate"] = bytes / 1e9 / seconds,
        };
    }
}
