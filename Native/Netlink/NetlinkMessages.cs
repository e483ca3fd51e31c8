using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Netlink;

/// <summary>Walks the messages of a packet. What does not fit its own length ends the walk.</summary>
internal ref struct NetlinkMessages(ReadOnlySpan<byte> packet)
{
    internal const int HeaderBytes = 16;
    internal const ushort Error = 2, Done = 3;

    private ReadOnlySpan<byte> _rest = packet;

    internal ushort Type { get; private set; }

    internal uint Sequence { get; private set; }

    /// <summary>Who caused it; 0 is the kernel.</summary>
    internal uint PortId { get; private set; }

    internal ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>What an <see cref="Error"/> says; None is an acknowledgement. nlmsgerr: a negative errno, 0 for "done".</summary>
    internal readonly Errno Failure => Payload.Length >= 4 ? (Errno)(-MemoryMarshal.Read<int>(Payload)) : Errno.InputOutput;

    /// <summary>Goes on to the next message of one exchange, past those of others.</summary>
    internal bool MoveNextOf(uint sequence)
    {
        while (MoveNext())
            if (Sequence == sequence)
                return true;
        return false;
    }

    internal bool MoveNext()
    {
        if (_rest.Length < HeaderBytes)
            return false;
        int length = MemoryMarshal.Read<int>(_rest);
        if (length < HeaderBytes || length > _rest.Length)
            return false;
        Type = MemoryMarshal.Read<ushort>(_rest[4..]);
        Sequence = MemoryMarshal.Read<uint>(_rest[8..]);
        PortId = MemoryMarshal.Read<uint>(_rest[12..]);
        Payload = _rest[HeaderBytes..length];
        _rest = _rest[Math.Min(_rest.Length, (length + 3) & ~3)..];
        return true;
    }
}
