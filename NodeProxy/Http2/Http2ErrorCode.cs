namespace Ambient.NodeProxy.Http2;

/// <summary>
/// Error codes of RFC 9113 section 7. A peer may send any other 32-bit value, which is carried as it is and treated
/// like <see cref="InternalError"/>.
/// </summary>
public enum Http2ErrorCode : uint
{
    /// <summary>No error; as the answer of a sink it means "go on".</summary>
    NoError = 0x0,

    /// <summary>A violation that no other code names.</summary>
    ProtocolError = 0x1,

    /// <summary>The endpoint failed.</summary>
    InternalError = 0x2,

    /// <summary>More was sent than the window allowed.</summary>
    FlowControlError = 0x3,

    /// <summary>SETTINGS were not acknowledged in time.</summary>
    SettingsTimeout = 0x4,

    /// <summary>A frame came for a half that is closed.</summary>
    StreamClosed = 0x5,

    /// <summary>A frame's size is wrong for its type or beyond the limit.</summary>
    FrameSizeError = 0x6,

    /// <summary>The stream was not processed at all: it is safe to try again.</summary>
    RefusedStream = 0x7,

    /// <summary>The stream is no longer wanted.</summary>
    Cancel = 0x8,

    /// <summary>HPACK's state is lost for the connection.</summary>
    CompressionError = 0x9,

    /// <summary>The connection behind a CONNECT was reset or broke.</summary>
    ConnectError = 0xa,

    /// <summary>The peer's behaviour costs too much.</summary>
    EnhanceYourCalm = 0xb,

    /// <summary>The connection's TLS is not good enough.</summary>
    InadequateSecurity = 0xc,

    /// <summary>The peer wants HTTP/1.1 instead.</summary>
    Http11Required = 0xd,
}
