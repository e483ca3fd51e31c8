using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Processes;

/// <summary>A process that cannot be mistaken for a later one of the same number: readable from its end on. Source: pidfd_open(2), Linux 5.3.</summary>
public static class ProcessDescriptor
{
    private const nint OpenNumber = 434; // pidfd_open, the same on every architecture

    /// <summary>Opens a process of this PID namespace.</summary>
    /// <returns>Null with NoSuchProcess when it has ended.</returns>
    public static Descriptor? TryOpen(int process, out Errno error)
    {
        nint number = ProcessImports.OpenProcess(OpenNumber, process, 0);
        error = number >= 0 ? Errno.None : (Errno)Marshal.GetLastPInvokeError();
        return number >= 0 ? Descriptor.Adopt((int)number) : null;
    }

    /// <summary>Waits for the end. poll(2).</summary>
    /// <returns>Whether the process has ended.</returns>
    public static unsafe bool WaitForEnd(Descriptor process, TimeSpan atMost, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(process);
        ArgumentNullException.ThrowIfNull(time);
        long start = time.GetTimestamp();
        // pollfd: descriptor, then requested (POLLIN = 1) and returned events, 16 bits each.
        int* poll = stackalloc int[2];
        while (true)
        {
            double left = Math.Max(0, (atMost - time.GetElapsedTime(start)).TotalMilliseconds);
            poll[0] = process.Number;
            poll[1] = 1;
            // SAFETY: eight bytes on this stack frame, one pollfd.
            int ready = ProcessImports.Poll(poll, 1, (int)Math.Ceiling(left));
            if (ready > 0)
                return true;
            if (ready == 0)
                return false;
            if ((Errno)Marshal.GetLastPInvokeError() is var error && error != Errno.Interrupted)
                throw new SystemCallException("poll", error);
        }
    }
}
