using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Ambient.Native.Events;

/// <summary>
/// Room for the events of one <see cref="Epoll.Wait"/>, in native memory so that nothing is pinned while a loop sleeps. It belongs
/// to the loop that waits; what is read is valid until the next wait.
/// </summary>
public sealed unsafe class ReadyEvents : IDisposable
{
    private readonly int _stride = EpollLayout.Current.Stride;
    private readonly int _dataOffset = EpollLayout.Current.DataOffset;
    private byte* _memory;

    /// <param name="capacity">Most events that one wait can bring, at least 1.</param>
    public ReadyEvents(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        // SAFETY: freed once, in Free; zeroed, so that an event that no wait wrote reads as None.
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)capacity, (nuint)_stride);
        Capacity = capacity;
    }

    ~ReadyEvents() => Free();

    /// <summary>Most events that one wait can bring; 0 once disposed.</summary>
    public int Capacity { get; private set; }

    /// <summary>The events' memory, for the kernel.</summary>
    /// <exception cref="ObjectDisposedException">It is freed.</exception>
    internal byte* Memory
    {
        get
        {
            ObjectDisposedException.ThrowIf(_memory == null, this);
            return _memory;
        }
    }

    /// <summary>What happened, for event <paramref name="i"/> of the last wait.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="i"/> is not below <see cref="Capacity"/>.</exception>
    public EpollEvents EventsAt(int i)
    {
        // SAFETY: At has checked the index, and `this` lives through KeepAlive.
        var events = Unsafe.ReadUnaligned<EpollEvents>(At(i));
        GC.KeepAlive(this);
        return events;
    }

    /// <summary>The token given to <see cref="Epoll.Add"/>, for event <paramref name="i"/> of the last wait.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="i"/> is not below <see cref="Capacity"/>.</exception>
    public ulong TokenAt(int i)
    {
        // SAFETY: as in EventsAt; unaligned, since the packed x64 form puts it at offset 4.
        ulong token = Unsafe.ReadUnaligned<ulong>(At(i) + _dataOffset);
        GC.KeepAlive(this);
        return token;
    }

    /// <summary>Frees the memory. Not while a wait is under way.</summary>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private byte* At(int i)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)i, (uint)Capacity, nameof(i));
        return _memory + ((nint)i * _stride);
    }

    private void Free()
    {
        // SAFETY: the pointer is forgotten in the same step, so that a second call frees null, which is allowed.
        NativeMemory.Free(_memory);
        _memory = null;
        Capacity = 0;
    }
}
