using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Small questions and answers of a protocol that is not HTTP.</summary>
internal sealed class Redis : IScenario
{
    public string Name => "redis";

    public string What => "redis-benchmark, SET then GET of 100 bytes, 50 connections, no pipelining, closed loop";

    public IReadOnlyList<string> Programs => ["redis-server", "redis-benchmark"];

    public IReadOnlyList<Figure> Figures => [new("rate", "operations/s", true, Reach: 1.2), new("cpu", "us an operation"), new("p99", "ms")];

    public bool Fits(string peer) => !peer.EndsWith("-http", StringComparison.Ordinal);

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer) =>
        [await Listening.StartAsync(ground.Lab, "redis", RedisLoad.Server, peer.ServerNetwork, RedisLoad.Port)];

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var (result, cpu) = await Metered.RunAsync(peer, () => RedisLoad.RunAsync(peer.ClientNetwork, peer.AddressOf(RedisLoad.Port), time));
        return new Dictionary<string, double> { ["rate"] = result.Operations / result.Seconds, ["cpu"] = 1e6 * cpu / result.Operations, ["p99"] = result.P99Milliseconds };
    }
}
