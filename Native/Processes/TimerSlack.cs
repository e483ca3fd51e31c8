using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Processes;

/// <summary>How late the kernel may let this thread's waits end, so that it can end several at once. Source: prctl(2), PR_SET_TIMERSLACK.</summary>
public static partial class TimerSlack
{
    private const int SetTimerSlack = 29;

    /// <summary>Lets waits of this thread end when they are due: 1 ns in place of the usual 50 us.</summary>
    /// <exception cref="SystemCallException">The kernel refuses, which a sandbox may make it do.</exception>
    public static void RemoveForThisThread()
    {
        if (Control(SetTimerSlack, 1, 0, 0, 0) != 0)
            throw new SystemCallException("prctl", (Errno)Marshal.GetLastPInvokeError());
    }

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int operation, nuint nanoseconds, nuint unused3, nuint unused4, nuint unused5);
}
