using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>
/// A new connection for each request: with links between the nodes open, with fresh processes on both sides (neither links nor TLS
/// sessions, nothing compiled yet), and after the links were closed while processes and their sessions stay, as after an idle time.
/// </summary>
internal sealed class Connects : HttpScenario
{
    private const int AtOnce = 32;

    public override string Name => "connects";

    public override string What =>
        $"a new connection for each 1 KB request, {AtOnce} at once; cold: the first {AtOnce} of freshly started proxies; after-idle: the first {AtOnce} after all connections between the hops were closed";

    public override IReadOnlyList<string> Programs => ["nginx", "wrk", "h2load", "ss"];

    // Each round warms up by itself: the one before has left fresh processes.
    public override bool WarmsUp => false;

    public override IReadOnlyList<Figure> Figures =>
    [
        new("cpu", "us a connection", Reach: 0.05), new("rate", "connections/s", true, Reach: 9),
        new("cpu-cold", "us a connection"), new("rate-cold", "connections/s", true), new("first-cold", "ms to the first byte of a single first connection"),
        new("cpu-after-idle", "us a connection"), new("rate-after-idle", "connections/s", true), new("first-after-idle", "ms to the first byte of a single first connection"),
    ];

    public override async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        await ReusePortsAsync(peer);
        await OneEachAsync(peer, time);
        var (warm, warmCpu) = await OneEachAsync(peer, time);

        await peer.CloseLinksAsync();
        var (idle, idleCpu) = await BurstAsync(peer, AtOnce);
        await peer.CloseLinksAsync();
        var (firstIdle, _) = await BurstAsync(peer, 1);

        await peer.RestartAsync();
        var (cold, coldCpu) = await BurstAsync(peer, AtOnce);
        await peer.RestartAsync();
        var (firstCold, _) = await BurstAsync(peer, 1);

        return new Dictionary<string, double>
        {
            ["cpu"] = 1e6 * warmCpu / warm.Requests, ["rate"] = warm.Requests / warm.Seconds,
            ["cpu-cold"] = 1e6 * coldCpu / AtOnce, ["rate-cold"] = AtOnce / cold.Seconds, ["first-cold"] = firstCold.FirstByteMilliseconds,
            ["cpu-after-idle"] = 1e6 * idleCpu / AtOnce, ["rate-after-idle"] = AtOnce / idle.Seconds, ["first-after-idle"] = firstIdle.FirstByteMilliseconds,
        };
    }

    // A client that closes first keeps a port for a minute, and 28,000 are gone within seconds: from then on the kernel's search for a free
    // one would be measured. Alike for all: the pods, and the nodes that the peers' proxies connect from.
    private static Task ReusePortsAsync(IPeer peer) => Task.WhenAll(new[] { peer.ClientNetwork, peer.ServerNetwork, Topology.NodeNetwork(1), Topology.NodeNetwork(2) }
        .Distinct().Select(network => Tool.MustAsync(Command.Of("tee", "/proc/sys/net/ipv4/tcp_tw_reuse").Inside(network), "1")));

    private static async Task<(WrkResult Result, double CpuSeconds)> OneEachAsync(IPeer peer, TimeSpan time)
    {
        var (result, cpu) = await Metered.RunAsync(peer, () => WrkLoad.RunAsync(peer.ClientNetwork, peer.AddressOf(HttpServer.Port), AtOnce, time, newConnections: true));
        if (result.Errors > 0) throw new LabException($"{peer.Name}: {result.Errors} requests of {result.Requests} failed");
        return (result, cpu);
    }

    private static async Task<(H2LoadResult Result, double CpuSeconds)> BurstAsync(IPeer peer, int connections)
    {
        var (result, cpu) = await Metered.RunAsync(peer, () => H2Load.BurstAsync(peer.ClientNetwork, peer.AddressOf(HttpServer.Port), connections));
        if (result.Failed > 0 || result.Requests != connections) throw new LabException($"{peer.Name}: of {connections} first connections {result.Requests} were answered");
        return (result, cpu);
    }
}
