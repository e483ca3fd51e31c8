using Ambient.Native.Descriptors;

namespace Ambient.Native.Processes;

/// <summary>
/// The CPU time of another process, user and system together, with the threads of it that have ended. Source: clock_getcpuclockid(3),
/// clock_gettime(2).
/// </summary>
public static unsafe class ProcessClock
{
    /// <summary>CPU time that a process has used up to now, in nanoseconds; null when there is no such process (any more).</summary>
    /// <remarks>A process that has ended and was not waited for still has its time.</remarks>
    /// <exception cref="PlatformNotSupportedException">This system does not tell the time of other processes.</exception>
    public static long? Nanoseconds(int process)
    {
        // 0 would be ourselves.
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(process);
        if (ProcessImports.GetCpuClockId(process, out int clock) is not 0 and var fault)
            return (Errno)fault == Errno.NoSuchProcess ? null : throw new PlatformNotSupportedException($"clock_getcpuclockid: error {fault}");
        long* time = stackalloc long[2];
        // Only that the process has ended since can be wrong with the clock.
        return ProcessImports.GetTime(clock, time) == 0 ? (time[0] * 1_000_000_000) + time[1] : null;
    }
}
