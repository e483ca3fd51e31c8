namespace Ambient.Native.Events;

/// <summary>What a descriptor is watched for, and what it became. Source: epoll_ctl(2); the bits are the same on x64 and arm64.</summary>
[Flags]
public enum EpollEvents : uint
{
    None = 0,

    /// <summary>Bytes (or a connection, or the end of the stream) can be read.</summary>
    In = 0x1,

    /// <summary>There is room to write, or a connect has ended.</summary>
    Out = 0x4,

    /// <summary>The descriptor has an error pending; always watched. The error itself is at <c>SocketCalls.TakeError</c>.</summary>
    Error = 0x8,

    /// <summary>Both directions are shut; always watched.</summary>
    HangUp = 0x10,

    /// <summary>The peer shut its sending direction (EPOLLRDHUP).</summary>
    PeerClosed = 0x2000,

    /// <summary>Report a change once, not a state again and again: the watcher reads or writes until WouldBlock.</summary>
    EdgeTriggered = 1u << 31,
}
