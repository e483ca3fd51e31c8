using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Bytes as fast as they go.</summary>
internal class Bulk : IScenario
{
    public virtual string Name => "bulk";

    public virtual string What => "iperf3, 1 and 8 flows";

    public virtual Stage Stage => Stage.TwoNodes;

    public IReadOnlyList<string> Programs => ["iperf3"];

    public virtual IReadOnlyList<Figure> Figures =>
    [
        new("cpu-1", "s a GB", Reach: 0.7), new("cpu-8", "s a GB", Reach: 0.7), new("rate-1", "GB/s", true), new("rate-8", "GB/s", true, Reach: 1.4),
    ];

    public bool Fits(string peer) => !peer.EndsWith("-http", StringComparison.Ordinal);

    public async Task<LabProcess> ServeAsync(Ground ground, string network)
    {
        var server = LabProcess.Start($"iperf3 {network}", IperfLoad.Server.Inside(network), ground.Lab.Log);
        await ground.Lab.UntilAsync("iperf3 serves", TimeSpan.FromSeconds(10), async () =>
            (await Tool.MustAsync(Command.Of("ss", "-Hltn").Inside(network))).Contains($":{IperfLoad.Port} ", StringComparison.Ordinal) ? null : "it does not yet");
        return server;
    }

    public virtual async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
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
