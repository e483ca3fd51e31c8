using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Loads;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>
/// Memory of connections that are open and silent. Each round has fresh processes: one that held as many before shows how it uses memory
/// again, not what connections cost.
/// </summary>
internal sealed class Idle(int connections) : IScenario
{
    // What ended or came a moment ago is put away by then: timers, collections, the kernel's own delays.
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(1);

    public string Name => "idle";

    public string What => $"up to {connections} open connections that have carried one byte each way, as many as this machine's {DescriptorLimit.Hard} descriptors a process let the peer hold; "
        + "PSS with them less PSS of the same fresh processes after one, for each; kernel: slabs and TCP's queues of the whole machine, clients and servers included";

    public bool WarmsUp => false;

    public IReadOnlyList<string> Programs => [];

    public IReadOnlyList<Figure> Figures =>
    [
        new("memory", "bytes a connection", Reach: 0.03, AtMost: 1500), new("kernel", "bytes a connection, kernel"), new("connections", "held", true),
    ];

    // A connection that never speaks HTTP is nothing that an HTTP proxy takes.
    public bool Fits(string peer) => !peer.EndsWith("-http", StringComparison.Ordinal);

    public async Task<IReadOnlyList<LabProcess>> ServeAsync(Ground ground, IPeer peer) => [await IdleLoad.StartServerAsync(ground.Lab, peer.ServerNetwork)];

    public async Task<IReadOnlyDictionary<string, double>> MeasureAsync(Ground ground, IPeer peer, TimeSpan time)
    {
        int count = Math.Min(connections, Math.Min(peer.MostConnections, DescriptorLimit.Hard - 200)); // client and server are processes as well
        await peer.RestartAsync();
        await (await OpenAsync(ground, peer, 1)).KillAsync();
        await Task.Delay(Rest);
        var (before, kernelBefore) = (ProcessMemory.Bytes(peer.Processes), KernelMemory.Bytes());
        var client = await OpenAsync(ground, peer, count);
        await Task.Delay(Rest);
        var (after, kernelAfter) = (ProcessMemory.Bytes(peer.Processes), KernelMemory.Bytes());
        await client.KillAsync();
        await Task.Delay(Rest); // the ends reach everybody before the next peer's turn
        return new Dictionary<string, double>
        {
            ["memory"] = peer.Processes.Count == 0 ? double.NaN : (after - before) / count,
            ["kernel"] = (kernelAfter - kernelBefore) / count,
            ["connections"] = count,
        };
    }

    private static Task<LabProcess> OpenAsync(Ground ground, IPeer peer, int count) =>
        IdleLoad.OpenAsync(ground.Lab, peer.ClientNetwork, peer.AddressOf(IdleClients.Port), count);
}
