namespace Ambient.NodeProxy.Http2;

/// <summary>
/// What a <see cref="FrameParser"/> takes from a peer. The first three have to agree with the SETTINGS that are sent.
/// </summary>
public sealed record FrameParserLimits
{
    /// <summary>The limits that most connections use.</summary>
    public static readonly FrameParserLimits Default = new();

    /// <summary>SETTINGS_MAX_FRAME_SIZE as advertised, in bytes; default 16,384, which is also the least.</summary>
    public int MaxFrameSize { get; init; } = 16_384;

    /// <summary>SETTINGS_HEADER_TABLE_SIZE as advertised, in bytes; default 4,096.</summary>
    public int HeaderTableBytes { get; init; } = 4_096;

    /// <summary>
    /// SETTINGS_MAX_HEADER_LIST_SIZE as advertised: names, values and 32 bytes a field (RFC 9113 section 10.5.1);
    /// default 16,384. A list beyond it is refused, the connection lives on.
    /// </summary>
    public int MaxHeaderListBytes { get; init; } = 16_384;

    /// <summary>Fields in one header list; default 128. Bounds what 1-byte references may unfold to.</summary>
    public int MaxHeaderFields { get; init; } = 128;

    /// <summary>Bytes of one block on the wire, over all its frames, padding included; default 65,536. More ends the connection.</summary>
    public int MaxHeaderBlockBytes { get; init; } = 65_536;

    /// <summary>CONTINUATION frames after one HEADERS frame; default 16. More ends the connection.</summary>
    public int MaxContinuationFrames { get; init; } = 16;

    /// <summary>Settings in one SETTINGS frame; default 64. More ends the connection.</summary>
    public int MaxSettingsPerFrame { get; init; } = 64;

    /// <summary>Rates of frames that cost the peer nothing.</summary>
    public FloodLimits Flood { get; init; } = FloodLimits.Default;
}
