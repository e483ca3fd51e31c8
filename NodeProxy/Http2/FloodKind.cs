namespace Ambient.NodeProxy.Http2;

/// <summary>Things that cost a peer little and us more, each with a budget of its own in <see cref="FloodLimits"/>.</summary>
public enum FloodKind
{
    /// <summary>DATA, HEADERS or CONTINUATION that carries nothing and ends nothing (CVE-2019-9518).</summary>
    EmptyFrame,

    /// <summary>SETTINGS, each of which has to be acknowledged (CVE-2019-9515).</summary>
    Settings,

    /// <summary>PING, each of which has to be answered (CVE-2019-9512).</summary>
    Ping,

    /// <summary>RST_STREAM from the peer for a stream that we have not answered (rapid reset, CVE-2023-44487).</summary>
    PeerReset,

    /// <summary>PRIORITY (CVE-2019-9513).</summary>
    Priority,

    /// <summary>Frames of unknown types, which are read for nothing.</summary>
    UnknownFrame,

    /// <summary>
    /// RST_STREAM that the peer made us send (CVE-2025-8671). The codec sends none itself: the owner of the streams charges it.
    /// </summary>
    ProvokedReset,
}
