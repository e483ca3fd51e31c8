using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Events;

/// <summary>
/// Wakes a loop from another thread: the loop watches <see cref="Number"/> and drains, anybody signals. Any number of signals
/// before a drain count as one. Source: eventfd(2).
/// </summary>
public sealed class WakeUp : IDisposable
{
    private readonly Descriptor _counter;

    /// <exception cref="SystemCallException">No descriptor or no memory is left.</exception>
    public WakeUp()
    {
        int number = EpollImports.EventDescriptor(0, LibC.EFD_NONBLOCK | LibC.EFD_CLOEXEC);
        if (number < 0)
            throw new SystemCallException("eventfd", (Errno)Marshal.GetLastSystemError());
        _counter = Descriptor.Adopt(number);
    }

    /// <summary>The descriptor to watch for <see cref="EpollEvents.In"/>.</summary>
    public int Number => _counter.Number;

    /// <summary>
    /// Makes <see cref="Number"/> readable. Any thread; after <see cref="Dispose"/> it does nothing. The descriptor is held for the
    /// call, since a number that is closed and given out again in between would put these eight bytes into somebody's connection.
    /// </summary>
    public void Signal()
    {
        if (_counter.IsClosed)
            return;
        ulong one = 1;
        try
        {
            // EAGAIN means that the counter is full, so a wake-up is pending already: nothing to do about any result.
            // SAFETY: the eight bytes are on this stack frame.
            unsafe { _ = EpollImports.Write(_counter, &one, sizeof(ulong)); }
        }
        catch (ObjectDisposedException)
        {
            // The loop ended between the test above and the call; there is nobody left to wake.
        }
    }

    /// <summary>Takes all pending signals. Only the loop calls it.</summary>
    public void Drain()
    {
        ulong signals;
        // EAGAIN means that nothing was pending.
        // SAFETY: the eight bytes are on this stack frame.
        unsafe { _ = EpollImports.Read(_counter, &signals, sizeof(ulong)); }
    }

    /// <inheritdoc/>
    public void Dispose() => _counter.Dispose();
}
