using Ambient.Native.Descriptors;

namespace Ambient.Native.Sockets;

/// <summary>What a read or write brought: bytes, or the error that stood in the way, never both.</summary>
/// <param name="Bytes">How many bytes moved; 0 after an error.</param>
/// <param name="Error">What the kernel answered; <see cref="Errno.None"/> when the call succeeded.</param>
public readonly record struct IoResult(int Bytes, Errno Error)
{
    /// <summary>The call succeeded, which for a read includes the end of the stream.</summary>
    public bool IsOk => Error == Errno.None;

    /// <summary>Nothing can be moved now; epoll will say when.</summary>
    public bool WouldBlock => Error == Errno.WouldBlock;

    /// <summary>A read found the peer's end of stream (its FIN). Without meaning for a write.</summary>
    public bool IsEnd => Bytes == 0 && Error == Errno.None;
}
