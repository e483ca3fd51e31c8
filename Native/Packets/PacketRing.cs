using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Packets;

/// <summary>
/// Sees every packet that a network link sends and receives, whole, through a ring shared with the kernel: a receive buffer would be too
/// small for the bursts of a veth, whose packets have up to 64 KB. Needs CAP_NET_RAW in the namespace's user namespace, and no more. Belongs
/// to one thread at a time. Source: packet(7), Documentation/networking/packet_mmap.rst of Linux.
/// </summary>
public sealed unsafe class PacketRing : IDisposable
{
    /// <summary>After this long the kernel hands over a block that is not full, in milliseconds.</summary>
    public const int LongestWait = 20;

    private const int BlockBytes = 256 * 1024, Blocks = 128, SmallestFrame = 2048;
    private const int ReadWrite = 3, Shared = 1; // PROT_READ | PROT_WRITE, MAP_SHARED

    private readonly Descriptor _socket;
    private byte* _ring;
    private int _next;
    private long _cut;

    private PacketRing(Descriptor socket, byte* ring)
    {
        _socket = socket;
        _ring = ring;
    }

    /// <summary>Begins to capture on a link of the calling thread's network namespace; reading may go on anywhere.</summary>
    /// <exception cref="SystemCallException">There is no such link, or this process may not.</exception>
    public static PacketRing Open(string link)
    {
        uint index = PacketImports.IndexOf(link);
        if (index == 0)
            throw Failure($"if_nametoindex {link}");
        // Of no protocol: it receives nothing until it is bound to the one link.
        int number = PacketImports.Socket(PacketLayout.Family, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC, 0);
        if (number < 0)
            throw Failure("socket");
        var socket = Descriptor.Adopt(number);
        byte* ring = null;
        try
        {
            Set(socket, PacketLayout.VersionOption, [PacketLayout.ThirdVersion]);
            Set(socket, PacketLayout.RingOption, [BlockBytes, Blocks, SmallestFrame, BlockBytes / SmallestFrame * Blocks, LongestWait, 0, 0]);
            // SAFETY: the kernel chooses the place; the length is the ring's as it was just made.
            ring = PacketImports.Map(null, BlockBytes * Blocks, ReadWrite, Shared, number, 0);
            if (ring == (byte*)-1)
                throw Failure("mmap");
            Bind(socket, index);
            return new PacketRing(socket, ring);
        }
        catch
        {
            if (ring != null && ring != (byte*)-1)
                _ = PacketImports.Unmap(ring, BlockBytes * Blocks);
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits for packets and shows them.</summary>
    /// <param name="milliseconds">The longest wait.</param>
    /// <returns>False when none came in time.</returns>
    public bool Read(int milliseconds, PacketVisitor visit)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ObjectDisposedException.ThrowIf(_ring == null, this);
        byte* block = _ring + (nint)_next * BlockBytes;
        if (!IsOurs(block))
            Wait(milliseconds);
        if (!IsOurs(block))
            return false;
        // SAFETY: the kernel has handed this block over, and every offset in it is the kernel's own and within the block.
        uint packets = *(uint*)(block + PacketLayout.BlockPackets);
        byte* packet = block + *(uint*)(block + PacketLayout.BlockFirst);
        for (uint i = 0; i < packets; i++)
        {
            uint captured = *(uint*)(packet + PacketLayout.Captured);
            if (captured < *(uint*)(packet + PacketLayout.Length))
                _cut++;
            visit(new ReadOnlySpan<byte>(packet + *(ushort*)(packet + PacketLayout.LinkHeader), (int)captured));
            packet += *(uint*)(packet + PacketLayout.NextOffset);
        }
        Volatile.Write(ref *(uint*)(block + PacketLayout.BlockStatus), 0);
        _next = (_next + 1) % Blocks;
        return true;
    }

    /// <summary>Packets that went by without being seen, or not wholly, since this was asked last.</summary>
    public long TakeLost()
    {
        uint* statistics = stackalloc uint[PacketLayout.StatisticsFields];
        uint bytes = PacketLayout.StatisticsFields * sizeof(uint);
        // SAFETY: the kernel writes at most `bytes` bytes, which is the room on this stack frame.
        if (PacketImports.GetOption(_socket.Number, PacketLayout.PacketLevel, PacketLayout.StatisticsOption, statistics, &bytes) != 0)
            throw Failure("getsockopt");
        long lost = statistics[1] + _cut;
        _cut = 0;
        return lost;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ring == null)
            return;
        _ = PacketImports.Unmap(_ring, BlockBytes * Blocks);
        _ring = null;
        _socket.Dispose();
    }

    private static bool IsOurs(byte* block) => (Volatile.Read(ref *(uint*)(block + PacketLayout.BlockStatus)) & PacketLayout.IsOurs) != 0;

    private void Wait(int milliseconds)
    {
        var wanted = new pollfd { fd = _socket.Number, events = LibC.POLLIN };
        // SAFETY: one structure on this stack frame. What it says is of no matter: the block is looked at.
        if (PacketImports.Poll(&wanted, 1, milliseconds) < 0 && (Errno)Marshal.GetLastPInvokeError() != Errno.Interrupted)
            throw Failure("poll");
    }

    private static void Set(Descriptor socket, int option, ReadOnlySpan<uint> value)
    {
        // SAFETY: the span is pinned for the call, and its length is passed along.
        fixed (uint* pointer = value)
        {
            if (PacketImports.SetOption(socket.Number, PacketLayout.PacketLevel, option, pointer, (uint)value.Length * sizeof(uint)) != 0)
                throw Failure("setsockopt");
        }
    }

    private static void Bind(Descriptor socket, uint link)
    {
        Span<byte> address = stackalloc byte[PacketLayout.AddressBytes];
        address.Clear();
        MemoryMarshal.Write(address, (ushort)PacketLayout.Family);
        BinaryPrimitives.WriteUInt16BigEndian(address[PacketLayout.AddressProtocol..], PacketLayout.AllProtocols);
        MemoryMarshal.Write(address[PacketLayout.AddressLink..], link);
        // SAFETY: the address is on this stack frame, and its length is passed along.
        fixed (byte* pointer = address)
        {
            if (PacketImports.Bind(socket.Number, pointer, PacketLayout.AddressBytes) != 0)
                throw Failure("bind");
        }
    }

    private static SystemCallException Failure(string call) => new(call, (Errno)Marshal.GetLastPInvokeError());
}
