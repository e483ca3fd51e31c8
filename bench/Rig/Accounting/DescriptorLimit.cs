using System.Globalization;

namespace Ambient.Bench.Rig.Accounting;

/// <summary>How many descriptors a process may have here, and how many connections that lets a proxy hold: it bounds what can be compared.</summary>
internal static class DescriptorLimit
{
    // Listeners, queues, logs and what a runtime holds by itself.
    private const int Spare = 1000;

    // `idle` has 20,000 connections; anybody may ask for more of it.
    private const int MostOfRelay = 60_000;

    /// <summary>Descriptors a process. The hard limit: proxies raise the soft one themselves, and ambient.sh does. getrlimit(2), RLIMIT_NOFILE, from proc(5).</summary>
    public static int Hard
    {
        get
        {
            var line = File.ReadLines("/proc/self/limits").First(l => l.StartsWith("Max open files", StringComparison.Ordinal));
            var hard = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
            return int.TryParse(hard, CultureInfo.InvariantCulture, out int limit) ? limit : int.MaxValue;
        }
    }

    /// <summary>Connections of a relay: two descriptors each, and half a one more, since HAProxy keeps that for its pipes.</summary>
    /// <remarks>No more than scenarios with peers need: proxies set memory aside for as many as they are told.</remarks>
    public static int OfRelay => (int)Math.Min(MostOfRelay, (Hard - Spare) * 2L / 5);

    /// <summary>Connections that NodeProxy takes: a descriptor each, since tunnels are shared.</summary>
    /// <param name="pods">How many pods of one node the connections come from.</param>
    /// <remarks>NodeCapacity: connections may have 80 % of the limit, and k pods get 4/(4k+1) of that each. A few stay free for the last to come.</remarks>
    public static int OfOurs(int pods) => (int)(Hard / 100L * 80 * (4L * pods) / ((4L * pods) + 1) * 98 / 100);
}
