using System.Globalization;

namespace Ambient.Bench.Rig.Accounting;

/// <summary>How many descriptors a process may have here. Peers need two a connection, and HAProxy half a one more for its pipes: it bounds what can be compared.</summary>
internal static class DescriptorLimit
{
    // Listeners, queues, logs and what a runtime holds by itself.
    private const int Spare = 1000;

    /// <summary>Connections that a process with two and a half descriptors for each can hold. getrlimit(2), RLIMIT_NOFILE, from proc(5).</summary>
    public static int Connections
    {
        get
        {
            var line = File.ReadLines("/proc/self/limits").First(l => l.StartsWith("Max open files", StringComparison.Ordinal));
            var soft = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
            return (int.Parse(soft, CultureInfo.InvariantCulture) - Spare) * 2 / 5;
        }
    }
}
