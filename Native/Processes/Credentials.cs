using System.Globalization;
using System.Runtime.InteropServices;

namespace Ambient.Native.Processes;

/// <summary>What this process is to the kernel. Source: credentials(7), capabilities(7).</summary>
public static partial class Credentials
{
    /// <summary>Effective user id. geteuid(2).</summary>
    public static uint UserId => GetEffectiveUser();

    /// <summary>Effective group id. getegid(2).</summary>
    public static uint GroupId => GetEffectiveGroup();

    /// <summary>
    /// Whether this thread holds any capability that it can use or take up: effective, permitted or ambient. Inheritable and bounding
    /// sets alone give nothing. Source: proc_pid_status(5).
    /// </summary>
    /// <exception cref="IOException">/proc is not mounted.</exception>
    public static bool HasAnyCapability() => HasAnyCapability(File.ReadLines("/proc/thread-self/status"));

    /// <summary>The same, from the lines of a status file.</summary>
    internal static bool HasAnyCapability(IEnumerable<string> status)
    {
        int sets = 0;
        bool any = false;
        foreach (string line in status)
        {
            if (!line.StartsWith("CapPrm:", StringComparison.Ordinal) && !line.StartsWith("CapEff:", StringComparison.Ordinal) &&
                !line.StartsWith("CapAmb:", StringComparison.Ordinal))
                continue;
            sets++;
            any |= ulong.Parse(line.AsSpan(7).Trim(), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) != 0;
        }
        // A file that does not name the sets must not read as "none held".
        return sets == 3 ? any : throw new InvalidDataException("/proc/thread-self/status does not name the capability sets.");
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();

    [LibraryImport("libc", EntryPoint = "getegid")]
    private static partial uint GetEffectiveGroup();
}
