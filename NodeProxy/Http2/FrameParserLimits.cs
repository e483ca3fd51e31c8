namespace Ambient.NodeProxy.Http2;

/// <summary>What a peer may make us hold or do.</summary>
public sealed record FrameParserLimits
{
    /// <summary>The largest frame, as announced in SETTINGS, in bytes.</summary>
    public int MaxFrameSize { get; init; } = Http2Settings.DefaultMaxFrameSize;

    /// <summary>The largest header list by the count of RFC 9113, section 10.5.1, in bytes.</summary>
    public int MaxHeaderListBytes { get; init; } = 16 * 1024;

    /// <summary>The largest header block as it stands on the wire, CONTINUATION included, in bytes.</summary>
    public int MaxHeaderBlockBytes { get; init; } = 64 * 1024;

    /// <summary>CONTINUATION frames of one header block.</summary>
    public int MaxContinuations { get; init; } = 16;

    /// <summary>Frames that move nothing (SETTINGS, PING, RST_STREAM, PRIORITY, empty DATA, unknown) between two that do.</summary>
    public int MaxIdleFrames { get; init; } = 10_000;
}
