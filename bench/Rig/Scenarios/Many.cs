using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Many small talks with many identities: nothing is shared between pairs of pods.</summary>
internal sealed class Many(int pairs) : IScenario
{
    private const int ConnectionsEach = 5;
    private const double Rate = 4000;

    public string Name => "many";

    public string What =>
        $"{pairs} pairs of pods, {pairs / StagePlan.PairsAnIdentity * 2} identities, {ConnectionsEach} connections each that take turns, 1 KB requests at {Rate:#,0}/s, open loop; "
        + "peers have a port and a client's and server's certificate for each identity, since with one certificate for all no server could tell clients apart";

    public Stage Stage => Stage.Pairs;

    public IReadOnlyList<string> Programs => [];

    public IReadOnlyList<Figure> Figures => [new("cpu", "us a request", Reach: 0.6), new("memory", "MB PSS, both hops"), new("p99", "ms")];

    public bool Fits(string peer) => true;

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer)
    {
        var networks = ((PairsPeer)peer).ServerNetworks;
        var command = Command.Of(Path.Combine(AppContext.BaseDirectory, "Ambient.Bench.Rig"), ["answer-server", "--port", $"{PeerSet.PairsPort}", "--in", .. networks]);
        // It enters namespaces itself; where it listens last, it listens everywhere.
        var server = LabProcess.Start($"answers for {peer.Name}", command, ground.Lab.Log);
        await ground.Lab.UntilAsync($"the servers of {peer.Name} serve", TimeSpan.FromSeconds(20), () =>
            Task.FromResult(ground.Lab.Log.Of($"answers for {peer.Name}").Contains("serving") ? null : "they do not yet"));
        return [server];
    }

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var run = await OpenLoopCommand.RunAsync(ground.Lab, peer, ((PairsPeer)peer).Targets, ConnectionsEach, Rate, time);
        return new Dictionary<string, double> { ["cpu"] = 1e6 * run.CpuSeconds / run.Result.Answered, ["memory"] = run.MemoryBytes / 1e6, ["p99"] = run.Result.P99Milliseconds };
    }
}
