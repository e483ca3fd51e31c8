using Ambient.Bench.Rig.Accounting;
using Ambient.Bench.Rig.Peers;

namespace Ambient.Bench.Rig.Scenarios;

/// <summary>Reads the proxies' CPU around a load.</summary>
internal static class Metered
{
    /// <returns>What the load returned, and the CPU seconds that the proxies used meanwhile; not a number where there is no proxy.</returns>
    public static async Task<(T Result, double CpuSeconds)> RunAsync<T>(IPeer peer, Func<Task<T>> load)
    {
        var processes = peer.CpuProcesses;
        var before = ProcessCpu.Seconds(processes);
        var result = await load();
        return (result, processes.Count == 0 ? double.NaN : ProcessCpu.Seconds(processes) - before);
    }
}
