using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>As many idle connections through one node as it is asked to hold, or as this machine lets a process hold.</summary>
internal sealed class Dense(int wanted, bool isQuick) : IScenario
{
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(2);

    public string Name => "dense";

    public string What => Held == wanted
        ? $"{wanted:#,0} idle connections through one node; PSS of its NodeProxy"
        : $"{Held:#,0} idle connections through one node and not {wanted:#,0}: a process may have {DescriptorLimit.Hard:#,0} descriptors here, NodeProxy lets connections have 80 % of them, and "
            + $"{StagePlan.DensePairs} pods {4 * StagePlan.DensePairs}/{(4 * StagePlan.DensePairs) + 1} of that; so this run does not show the bound, which is for {wanted:#,0}";

    public Stage Stage => Stage.Dense;

    public bool WarmsUp => false;

    public IReadOnlyList<string> Programs => [];

    // A bound for a number of connections says nothing of fewer.
    public IReadOnlyList<Figure> Figures =>
    [
        new("memory", "MB PSS of NodeProxy, the clients' node", AtMost: 512, IsBoundJudged: Held == wanted && !isQuick), new("memory-server", "MB PSS of NodeProxy, the servers' node"),
        new("kernel", "MB more in the kernel, whole machine, clients and servers included"), new("connections", "held", true),
    ];

    public bool Fits(string peer) => true;

    private int Held => Math.Min(wanted, DescriptorLimit.OfOurs(StagePlan.DensePairs)) / StagePlan.DensePairs * StagePlan.DensePairs;

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer) =>
        await Task.WhenAll(((PairsPeer)peer).ServerNetworks.Select(network => IdleLoad.StartServerAsync(ground.Lab, network)));

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        var pairs = ((PairsPeer)peer).Targets;
        await peer.RestartAsync();
        await Task.Delay(Rest);
        double kernelBefore = KernelMemory.Bytes();
        var clients = await Task.WhenAll(pairs.Select(pair => IdleLoad.OpenAsync(ground.Lab, pair.Network, pair.To, Held / pairs.Count)));
        await Task.Delay(Rest);
        var figures = new Dictionary<string, double>
        {
            ["memory"] = ProcessMemory.Bytes([peer.Processes[0]]) / 1e6, ["memory-server"] = ProcessMemory.Bytes([peer.Processes[1]]) / 1e6,
            ["kernel"] = (KernelMemory.Bytes() - kernelBefore) / 1e6, ["connections"] = Held,
        };
        foreach (var client in clients) await client.KillAsync();
        await Task.Delay(Rest);
        return figures;
    }
}
