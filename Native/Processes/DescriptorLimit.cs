using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Processes;

/// <summary>How many descriptors this process may have open. Source: getrlimit(2), RLIMIT_NOFILE.</summary>
public static unsafe partial class DescriptorLimit
{
    private const int OpenFiles = 7; // RLIMIT_NOFILE; the same on x64 and arm64

    /// <summary>The soft limit, which the kernel enforces.</summary>
    /// <exception cref="SystemCallException">The kernel does not tell.</exception>
    public static long Current => Read().Soft > long.MaxValue ? long.MaxValue : (long)Read().Soft;

    /// <summary>Raises the soft limit to the hard one, which needs no privilege. Harmless where it is there already.</summary>
    /// <exception cref="SystemCallException">The kernel does not tell the limits.</exception>
    public static void Raise()
    {
        var limits = Read();
        if (limits.Soft >= limits.Hard) return;
        limits.Soft = limits.Hard;
        // SAFETY: setrlimit reads two words from this stack frame.
        _ = Set(OpenFiles, &limits);
    }

    private static Limits Read()
    {
        Limits limits;
        // SAFETY: getrlimit writes two words to this stack frame.
        if (Get(OpenFiles, &limits) != 0) throw new SystemCallException("getrlimit", (Errno)Marshal.GetLastPInvokeError());
        return limits;
    }

    /// <summary>getrlimit(2).</summary>
    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int Get(int resource, Limits* limits);

    /// <summary>setrlimit(2).</summary>
    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int Set(int resource, Limits* limits);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limits
    {
        public ulong Soft;
        public ulong Hard;
    }
}
