using Ambient.Native.Descriptors;

namespace Ambient.NodeProxy.Engine;

/// <summary>Why a connection broke.</summary>
internal enum ConnectionFault
{
    None,

    /// <summary>The peer sent RST, or RST_STREAM.</summary>
    Reset,

    /// <summary>The peer does not answer (keepalive, TCP_USER_TIMEOUT, PING).</summary>
    TimedOut,

    /// <summary>The network says there is no way.</summary>
    Unreachable,

    /// <summary>The bytes under it ended in the middle: a link that was lost, TLS without close_notify.</summary>
    Truncated,

    /// <summary>The peer broke the protocol.</summary>
    ProtocolViolation,

    /// <summary>The other end of the relay broke, and this one follows.</summary>
    OtherSide,

    /// <summary>We ended it: pod gone, policy, drain deadline, refusal.</summary>
    Ended,

    /// <summary>A mistake of ours; the log has its stack.</summary>
    Internal,
}

/// <summary>Names of the kernel's errors in this room's words.</summary>
internal static class ConnectionFaults
{
    public static ConnectionFault Of(Errno error) => error switch
    {
        Errno.TimedOut => ConnectionFault.TimedOut,
        Errno.HostUnreachable or Errno.NetworkUnreachable or Errno.NetworkDown => ConnectionFault.Unreachable,
        _ => ConnectionFault.Reset, // ECONNRESET, EPIPE, ECONNABORTED: the peer's side is gone
    };
}
