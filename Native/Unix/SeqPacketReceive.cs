using Ambient.Native.Descriptors;

namespace Ambient.Native.Unix;

/// <summary>What one receive on a <see cref="SeqPacketSocket"/> gave.</summary>
/// <param name="Bytes">Bytes of the packet, from the start of the buffer.</param>
/// <param name="Truncated">The packet was longer than the buffer, or brought more descriptors than fit: what is missing is lost (the
/// kernel closed those descriptors).</param>
/// <param name="Error">None, or why there is no packet.</param>
public readonly record struct SeqPacketReceive(int Bytes, bool Truncated, Errno Error)
{
    /// <summary>
    /// The other side closed. A packet of no bytes looks the same, since this kind of socket marks the end by one: senders never
    /// send one, and a receiver that must tell them apart asks its epoll for HangUp.
    /// </summary>
    public bool IsEnd => Bytes == 0 && Error == Errno.None && !Truncated;

    /// <summary>Nothing waits (non-blocking sockets only).</summary>
    public bool WouldBlock => Error == Errno.WouldBlock;

    /// <summary>A packet came, perhaps <see cref="Truncated"/>.</summary>
    public bool IsPacket => Error == Errno.None && !IsEnd;
}
