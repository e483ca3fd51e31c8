using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Events;

/// <summary>
/// A kernel event queue. It belongs to one loop, which alone calls <see cref="Wait"/> and <see cref="Dispose"/>; other threads may
/// add and remove while it lives. Source: epoll(7).
/// </summary>
public sealed class Epoll : IDisposable
{
    private readonly Descriptor _queue;

    /// <exception cref="SystemCallException">No descriptor or no memory is left.</exception>
    public Epoll()
    {
        int number = EpollImports.Create(LibC.EPOLL_CLOEXEC);
        if (number < 0)
            throw Failure("epoll_create1");
        _queue = Descriptor.Adopt(number);
    }

    /// <summary>Starts watching a descriptor. epoll_ctl(2), EPOLL_CTL_ADD.</summary>
    /// <param name="fd">An open descriptor; closing it ends the watch unless a copy of it is open elsewhere.</param>
    /// <param name="events">What to watch for.</param>
    /// <param name="token">Comes back with every event of this descriptor.</param>
    /// <exception cref="SystemCallException">Watched already, not watchable, or the limit of watches is reached.</exception>
    public void Add(int fd, EpollEvents events, ulong token) => Control(LibC.EPOLL_CTL_ADD, fd, events, token);

    /// <summary>Changes what is watched for, and the token. epoll_ctl(2), EPOLL_CTL_MOD.</summary>
    /// <exception cref="SystemCallException">The descriptor is not watched here.</exception>
    public void Modify(int fd, EpollEvents events, ulong token) => Control(LibC.EPOLL_CTL_MOD, fd, events, token);

    /// <summary>Ends the watch; a descriptor that is closed or was never watched is fine. epoll_ctl(2), EPOLL_CTL_DEL.</summary>
    /// <exception cref="SystemCallException">Any other failure, which means a bug.</exception>
    public void Remove(int fd)
    {
        int result;
        // SAFETY: the kernel ignores the event of a DEL since 2.6.9, so null is allowed.
        unsafe { result = EpollImports.Control(_queue.Number, LibC.EPOLL_CTL_DEL, fd, null); }
        if (result == 0)
            return;
        var error = (Errno)Marshal.GetLastSystemError();
        if (error is not (Errno.NoEntry or Errno.BadDescriptor))
            throw new SystemCallException("epoll_ctl", error);
    }

    /// <summary>Waits for events and fills <paramref name="ready"/> from the start. epoll_wait(2).</summary>
    /// <param name="ready">Where the events go.</param>
    /// <param name="timeoutMilliseconds">0 only looks, -1 waits for ever.</param>
    /// <returns>How many events there are; 0 after the time, or when a signal interrupted the wait.</returns>
    /// <exception cref="SystemCallException">The queue is broken, which means a bug.</exception>
    public int Wait(ReadyEvents ready, int timeoutMilliseconds)
    {
        ArgumentNullException.ThrowIfNull(ready);
        int count;
        // SAFETY: the memory holds Capacity events of this architecture's stride, and KeepAlive holds its finalizer off.
        unsafe { count = EpollImports.Wait(_queue.Number, ready.Memory, ready.Capacity, timeoutMilliseconds); }
        if (count < 0)
            count = NothingOrThrow();
        GC.KeepAlive(ready);
        return count;
    }

    /// <summary>
    /// Waits until there is an event or the time is over, to the nanosecond as far as the kernel's timers and
    /// <see cref="Processes.TimerSlack"/> allow; <see cref="Wait"/> then takes the events. ppoll(2) on the queue itself: epoll_pwait2(2)
    /// would save a call, and came with Linux 5.11.
    /// </summary>
    /// <param name="atMost">Nothing happens if it is zero or less.</param>
    /// <exception cref="SystemCallException">The queue is broken, which means a bug.</exception>
    public void WaitPrecisely(TimeSpan atMost)
    {
        if (atMost <= TimeSpan.Zero)
            return;
        int result;
        // SAFETY: both structures are on this stack frame: struct pollfd {int fd; short events, revents}, POLLIN 1; struct timespec of
        // two 64-bit numbers, as on every 64-bit Linux.
        unsafe
        {
            short* poll = stackalloc short[4];
            *(int*)poll = _queue.Number;
            (poll[2], poll[3]) = (1, 0);
            long* time = stackalloc long[2] { atMost.Ticks / TimeSpan.TicksPerSecond, atMost.Ticks % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick };
            result = EpollImports.Poll(poll, 1, time, null);
        }
        if (result < 0)
            NothingOrThrow();
    }

    /// <inheritdoc/>
    public void Dispose() => _queue.Dispose();

    private void Control(int operation, int fd, EpollEvents events, ulong token)
    {
        Span<byte> bytes = stackalloc byte[EpollLayout.MaxStride];
        EpollLayout.Current.Write(bytes, events, token);
        int result;
        // SAFETY: the buffer is on this stack frame and at least one event long; the kernel copies it before it returns.
        unsafe { fixed (byte* pointer = bytes) result = EpollImports.Control(_queue.Number, operation, fd, pointer); }
        if (result < 0)
            throw Failure("epoll_ctl");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int NothingOrThrow()
    {
        var error = (Errno)Marshal.GetLastSystemError();
        return error == Errno.Interrupted ? 0 : throw new SystemCallException("epoll_wait", error);
    }

    private static SystemCallException Failure(string call) => new(call, (Errno)Marshal.GetLastSystemError());
}
