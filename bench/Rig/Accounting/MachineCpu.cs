using System.Globalization;

namespace Ambient.Bench.Rig.Accounting;

/// <summary>
/// CPU time of the whole machine, whoever used it: <c>/proc/stat</c>, all but idle, waiting for disks, and what a hypervisor took, proc(5).
/// Tools, servers and other work are in it, and so is what the kernel does for a proxy inside a client's own send(2), which no process of
/// the proxy is charged for.
/// </summary>
internal static class MachineCpu
{
    // USER_HZ: 100 on every architecture that .NET runs on. sysconf(3), _SC_CLK_TCK.
    private const double TicksPerSecond = 100;

    /// <summary>CPU seconds since the machine's start, to a hundredth for each core.</summary>
    public static double Seconds()
    {
        // "cpu user nice system idle iowait irq softirq steal guest guest_nice"; guests are in user and nice already.
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return new[] { 1, 2, 3, 6, 7 }.Sum(index => double.Parse(fields[index], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }
}
