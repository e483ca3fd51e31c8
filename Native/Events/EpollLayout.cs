using System.Runtime.InteropServices;

namespace Ambient.Native.Events;

/// <summary>
/// Where <c>struct epoll_event</c> has its fields. The kernel packs it on x86 only (sys/epoll.h, EPOLL_PACKED), so one C# struct
/// would be wrong on one of the architectures; the process asks once and counts in bytes.
/// </summary>
internal readonly record struct EpollLayout(int Stride, int DataOffset)
{
    /// <summary>The largest stride there is, for buffers on the stack.</summary>
    public const int MaxStride = 16;

    /// <summary>The layout of the running process.</summary>
    public static readonly EpollLayout Current = For(RuntimeInformation.ProcessArchitecture);

    public static EpollLayout For(Architecture architecture) =>
        architecture is Architecture.X64 or Architecture.X86 ? new(Stride: 12, DataOffset: 4) : new(Stride: 16, DataOffset: 8);

    /// <summary>Writes one event as the kernel reads it.</summary>
    public void Write(Span<byte> into, EpollEvents events, ulong token)
    {
        into[..Stride].Clear();
        MemoryMarshal.Write(into, (uint)events);
        MemoryMarshal.Write(into[DataOffset..], token);
    }
}
