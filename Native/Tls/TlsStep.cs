namespace Ambient.Native.Tls;

/// <summary>How a call on a session ended.</summary>
public enum TlsStep
{
    /// <summary>It did what was asked for. A read brought at least one byte.</summary>
    Done,

    /// <summary>All input is taken, and more is needed.</summary>
    NeedInput,

    /// <summary>The room for output is full: send it, then call again with new room and the same arguments.</summary>
    NeedOutput,

    /// <summary>The peer said close_notify: no more bytes come from it. Writing is still allowed (RFC 8446 section 6.1).</summary>
    PeerClosed,

    /// <summary>The session is broken for good; <see cref="TlsSession.Failure"/> says why. An alert may stand in the output.</summary>
    Failed,
}
