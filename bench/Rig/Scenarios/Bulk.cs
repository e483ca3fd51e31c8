using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Bytes as fast as they go.</summary>
internal sealed class Bulk : IScenario
{
    public string Name => "bulk";

    public string What => "iperf3, 1 and 8 flows";

    public IReadOnlyList<string> Programs => ["iperf3"];

    public IReadOnlyList<Figure> Figures =>
    [
        new("cpu-1", "s a GB", Reach: 0.7), new("cpu-8", "s a GB", Reach: 0.7), new("rate-1", "GB/s", true), new("rate-8", "GB/s", true, Reach: 1.4),
    ];

    public bool Fits(string peer) => !peer.EndsWith("-http", StringComparison.Ordinal);

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer) => [await IperfLoad.StartServerAsync(ground.Lab, peer.ServerNetwork)];

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var figures = new Dictionary<string, double>();
        foreach (int flows in new[] { 1, 8 })
        {
            var ((bytes, seconds), cpu) = await Metered.RunAsync(peer, () => IperfLoad.RunAsync(peer.ClientNetwork, peer.AddressOf(IperfLoad.Port), flows, time));
            figures[$"cpu-{flows}"] = cpu / (bytes / 1e9);
            figures[$"rate-{flows}"] = bytes / 1e9 / seconds;
        }
        return figures;
    }
}
