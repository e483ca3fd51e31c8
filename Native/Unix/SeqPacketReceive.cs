using Ambient.Native.Descriptors;

namespace Ambient.Native.Unix;

/// <summary>What one receive on a <see cref="SeqPacketSocket"/> gave.</summary>
/// <param name="Bytes">Bytes of the packet, from the start of the buffer.</param>
/// <param name="Truncated">The packet was longer than the buffer, or brought more descriptors than fit: what is missing is lost (the
/// kernel closed those descriptors).</param>
/// <param name="Error">None, or why there is no packet.</param>
public readonly record struct SeqPacketReceive(int Bytes, bool Truncated, Errno Error)
{
    /// <summary>The other side closed. No packet looks like that: the kernel sends none for zero bytes.</summary>
    public bool IsEnd => Bytes == 0 && Error == Errno.None && !Truncated;

    /// <summary>Nothing waits (non-blocking sockets only).</summary>
    public bool WouldBlock => Error == Errno.WouldBlock;

    /// <summary>A packet came, perhaps <see cref="Truncated"/>.</summary>
    public bool IsPacket => Error == Errno.None && !IsEnd;
}
