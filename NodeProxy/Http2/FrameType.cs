namespace Ambient.NodeProxy.Http2;

/// <summary>The frame types of RFC 9113 section 6. Every other value is ignored on receipt (section 4.1).</summary>
public enum FrameType : byte
{
    /// <summary>Section 6.1.</summary>
    Data = 0,

    /// <summary>Section 6.2.</summary>
    Headers = 1,

    /// <summary>Section 6.3, deprecated: checked and ignored.</summary>
    Priority = 2,

    /// <summary>Section 6.4.</summary>
    RstStream = 3,

    /// <summary>Section 6.5.</summary>
    Settings = 4,

    /// <summary>Section 6.6: never accepted here, since push is never enabled.</summary>
    PushPromise = 5,

    /// <summary>Section 6.7.</summary>
    Ping = 6,

    /// <summary>Section 6.8.</summary>
    GoAway = 7,

    /// <summary>Section 6.9.</summary>
    WindowUpdate = 8,

    /// <summary>Section 6.10.</summary>
    Continuation = 9,
}
