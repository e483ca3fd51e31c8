using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>A database that answers from memory.</summary>
internal sealed class Pgbench : IScenario
{
    public string Name => "pgbench";

    public string What => "pgbench select-only, prepared statements, 8 clients, closed loop";

    public IReadOnlyList<string> Programs => ["pgbench"];

    public string? WhyNot => PostgresServer.WhyNot;

    public IReadOnlyList<Figure> Figures => [new("rate", "transactions/s", true, Reach: 1.2), new("cpu", "us a transaction"), new("mean", "ms")];

    public bool Fits(string peer) => !peer.EndsWith("-http", StringComparison.Ordinal);

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer) => [await PostgresServer.StartAsync(ground.Lab, ground.Folder, peer.ServerNetwork)];

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var (result, cpu) = await Metered.RunAsync(peer, () => PgbenchLoad.RunAsync(peer.ClientNetwork, peer.AddressOf(PostgresServer.Port), time));
        return new Dictionary<string, double> { ["rate"] = result.PerSecond, ["cpu"] = 1e6 * cpu / result.Transactions, ["mean"] = result.MeanMilliseconds };
    }
}
