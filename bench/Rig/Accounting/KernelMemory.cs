using System.Globalization;

namespace Ambient.Bench.Rig.Accounting;

/// <summary>
/// What the kernel holds for everybody on this machine: its slabs (sockets, files, timers, connection tracking; <c>Slab</c> of
/// <c>/proc/meminfo</c>) and the pages in TCP's queues (<c>mem</c> of <c>/proc/net/sockstat</c>, which counts all namespaces). It cannot be
/// told apart by process, so the sockets of clients and servers are in it; the direct path shows what these are.
/// </summary>
internal static class KernelMemory
{
    public static double Bytes()
    {
        var slab = File.ReadLines("/proc/meminfo").First(line => line.StartsWith("Slab:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        var tcp = File.ReadLines("/proc/net/sockstat").First(line => line.StartsWith("TCP:", StringComparison.Ordinal)).Split(' ')[^1];
        return (1024 * double.Parse(slab, CultureInfo.InvariantCulture)) + (Environment.SystemPageSize * double.Parse(tcp, CultureInfo.InvariantCulture));
    }
}
