using System.Buffers;

namespace Ambient.Native.Netlink;

/// <summary>
/// Room for one packet of the kernel's, borrowed for as long as it is read. A node has four netlink sockets a pod, which mostly rest: buffers
/// of their own would hold 150 KB a pod for nothing.
/// </summary>
internal readonly struct NetlinkBuffer : IDisposable
{
    // What the kernel puts into one packet of a dump (NLMSG_GOODSIZE caps it at 32 KiB since Linux 4.9), and twice that for nftables' events.
    private const int Size = 64 * 1024;

    private readonly byte[] _array;

    private NetlinkBuffer(byte[] array) => _array = array;

    /// <summary>All of it.</summary>
    internal Span<byte> Bytes => _array.AsSpan(0, Size);

    internal static NetlinkBuffer Rent() => new(ArrayPool<byte>.Shared.Rent(Size));

    /// <summary>Gives it back: no message that lies in it may be read any more.</summary>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_array);
}
