using System.Globalization;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Accounting;

/// <summary>CPU time of processes by the kernel's own books: <c>/proc/PID/task/TID/schedstat</c>, nanoseconds, user and system together.</summary>
/// <remarks>
/// Work that the kernel does for a process in an interrupt is booked on whoever ran at that moment; that holds for every peer alike.
/// Threads that ended between two looks are lost, so peers are looked at while they run.
/// </remarks>
internal static class ProcessCpu
{
    /// <summary>CPU seconds that the processes have used up to now.</summary>
    /// <exception cref="LabException">One has ended.</exception>
    public static double Seconds(IEnumerable<int> processes) => processes.Sum(Nanoseconds) / 1e9;

    private static double Nanoseconds(int process)
    {
        double sum = 0;
        int read = 0;
        if (!Directory.Exists($"/proc/{process}/task")) throw new LabException($"process {process} of a peer has ended");
        foreach (var thread in Directory.EnumerateDirectories($"/proc/{process}/task"))
        {
            try
            {
                sum += double.Parse(File.ReadAllText(Path.Combine(thread, "schedstat")).Split(' ')[0], CultureInfo.InvariantCulture);
                read++;
            }
            catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException || fault is IOException { HResult: 3 })
            {
                // The thread ended while we looked (ESRCH).
            }
        }
        return read > 0 ? sum : throw new LabException($"the CPU time of process {process} cannot be read: it has ended, or this kernel has no schedstat");
    }
}
