namespace Ambient.NodeProxy.Http2;

/// <summary>Frame flags of RFC 9113 section 6. Their meaning depends on the frame's type; unknown ones are ignored.</summary>
[Flags]
public enum FrameFlags : byte
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>SETTINGS, PING: the answer to the peer's own frame. The same bit as <see cref="EndStream"/>.</summary>
    Ack = 0x1,

    /// <summary>DATA, HEADERS: the sender's half of the stream ends here.</summary>
    EndStream = 0x1,

    /// <summary>HEADERS, CONTINUATION: the header block ends here.</summary>
    EndHeaders = 0x4,

    /// <summary>DATA, HEADERS: the payload begins with a padding length.</summary>
    Padded = 0x8,

    /// <summary>HEADERS: five deprecated priority bytes come before the block.</summary>
    Priority = 0x20,
}
