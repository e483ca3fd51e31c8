using Ambient.Cli.Lab;
using Ambient.Native.Processes;

namespace Ambient.Bench.Rig.Accounting;

/// <summary>CPU time of processes by the kernel's own books, user and system together, of threads that have ended too.</summary>
/// <remarks>Work that the kernel does for a process in an interrupt is booked on whoever ran at that moment; that holds for every peer alike.</remarks>
internal static class ProcessCpu
{
    /// <summary>CPU seconds that the processes have used up to now.</summary>
    /// <exception cref="LabException">One has ended.</exception>
    public static double Seconds(IEnumerable<int> processes) => processes.Sum(Seconds);

    private static double Seconds(int process) =>
        ProcessClock.Nanoseconds(process) / 1e9 ?? throw new LabException($"process {process} of a peer has ended");
}
