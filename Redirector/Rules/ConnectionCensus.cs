using System.Globalization;

namespace Ambient.Redirector.Rules;

/// <summary>Counts connections that were established before capture, which it leaves as they are. Source: proc_pid_net(5), tcp.</summary>
internal static class ConnectionCensus
{
    private const string Established = "01";

    /// <summary>Counts in the calling thread's namespace.</summary>
    public static int Count()
    {
        int count = Count(File.ReadLines("/proc/thread-self/net/tcp"));
        return File.Exists("/proc/thread-self/net/tcp6") ? count + Count(File.ReadLines("/proc/thread-self/net/tcp6")) : count;
    }

    /// <summary>The same from lines of such a file. Left out: our own ports, and connections of the pod with itself, which are never captured.</summary>
    internal static int Count(IEnumerable<string> lines) => lines.Skip(1).Count(IsFromBefore);

    private static bool IsFromBefore(string line)
    {
        // "  0: 0100007F:1F90 0200007F:A1B2 01 ..."
        string[] fields = line.Split(' ', 5, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 5 || fields[3] != Established)
            return false;
        string[] local = fields[1].Split(':'), remote = fields[2].Split(':');
        if (local.Length != 2 || remote.Length != 2 || local[0] == remote[0])
            return false;
        return int.TryParse(local[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int port)
            && port is not (CaptureNumbers.OutboundPort or CaptureNumbers.InboundPort or CaptureNumbers.TunnelPort);
    }
}
