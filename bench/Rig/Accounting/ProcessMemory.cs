using System.Globalization;

namespace Ambient.Bench.Rig.Accounting;

/// <summary>Memory of processes as PSS: private pages, and shared ones by their share. <c>/proc/PID/smaps_rollup</c>, proc(5).</summary>
internal static class ProcessMemory
{
    /// <summary>Bytes of all the processes together.</summary>
    public static double Bytes(IEnumerable<int> processes) => processes.Sum(Pss);

    private static double Pss(int process)
    {
        var line = File.ReadLines($"/proc/{process}/smaps_rollup").First(l => l.StartsWith("Pss:", StringComparison.Ordinal));
        return 1024 * double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
