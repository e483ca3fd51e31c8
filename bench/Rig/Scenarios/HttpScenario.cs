using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>What scenarios over the 1 KB HTTP server share.</summary>
internal abstract class HttpScenario : IScenario
{
    public abstract string Name { get; }

    public abstract string What { get; }

    public abstract IReadOnlyList<Figure> Figures { get; }

    public virtual bool WarmsUp => true;

    public virtual IReadOnlyList<string> Programs => ["nginx", "wrk"];

    public bool Fits(string peer) => true;

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, string network) => [await HttpServer.StartAsync(ground, network)];

    public abstract Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time);

    /// <summary>A closed loop of wrk, with CPU a request. An error fails the round: a figure of failures is none.</summary>
    public static async Task<(WrkResult Result, double CpuSeconds)> WrkAsync(IPeer peer, int connections, TimeSpan time, bool newConnections = false)
    {
        var to = peer.AddressOf(HttpServer.Port);
        var (result, cpu) = await Metered.RunAsync(peer, () => WrkLoad.RunAsync(peer.ClientNetwork, to, connections, time, newConnections));
        if (result.Errors > 0) throw new LabException($"{peer.Name}: {result.Errors} requests of {result.Requests} failed");
        return (result, cpu);
    }
}
