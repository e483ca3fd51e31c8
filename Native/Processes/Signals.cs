using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Processes;

/// <summary>Signals to child processes, for asking them to end where the framework can only kill. Source: signal(7).</summary>
public static partial class Signals
{
    private const int Interrupted = 2, Killed = 9, Terminated = 15;

    /// <summary>Asks a process to end, as service managers do. kill(2), SIGTERM.</summary>
    /// <returns>None, or NoSuchProcess when it has ended.</returns>
    public static Errno Terminate(int process) => Send(process, Terminated);

    /// <summary>Asks a process to end, as Ctrl-C does. kill(2), SIGINT.</summary>
    /// <returns>None, or NoSuchProcess when it has ended.</returns>
    public static Errno Interrupt(int process) => Send(process, Interrupted);

    /// <summary>Ends a process without asking. kill(2), SIGKILL.</summary>
    /// <returns>None, or NoSuchProcess when it has ended.</returns>
    public static Errno Kill(int process) => Send(process, Killed);

    private static Errno Send(int process, int signal)
    {
        // 0 and negative numbers name whole groups of processes.
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(process);
        return SendSignal(process, signal) == 0 ? Errno.None : (Errno)Marshal.GetLastPInvokeError();
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int process, int signal);
}
