namespace Ambient.NodeProxy.Http2;

/// <summary>
/// What one side of a connection allows the other (RFC 9113 section 6.5.2). Starts with the defaults on both
/// sides and changes with each SETTINGS frame.
/// </summary>
public readonly record struct Http2Settings
{
    /// <summary>The value of a limit that is not set.</summary>
    public const uint None = uint.MaxValue;

    /// <summary>Window of the connection and of every stream before anything is said, in bytes.</summary>
    public const int DefaultInitialWindowSize = 65_535;

    /// <summary>Largest payload before anything is said, in bytes; also the least that may be said.</summary>
    public const int DefaultMaxFrameSize = 16_384;

    /// <summary>HPACK's table before anything is said, in bytes.</summary>
    public const int DefaultHeaderTableSize = 4_096;

    /// <summary>The values in force before the first SETTINGS frame. Not the same as <c>default</c>.</summary>
    public Http2Settings()
    {
    }

    /// <summary>Largest HPACK table the owner's decoder keeps, in bytes; default 4,096, larger values than 2^31-1 count as that.</summary>
    public int HeaderTableSize { get; init; } = DefaultHeaderTableSize;

    /// <summary>Whether the owner takes PUSH_PROMISE; default true. This codec never does.</summary>
    public bool EnablePush { get; init; } = true;

    /// <summary>Streams the peer may have open at once; default <see cref="None"/>.</summary>
    public uint MaxConcurrentStreams { get; init; } = None;

    /// <summary>Window of a new stream towards the owner, in bytes, 0 to 2^31-1; default 65,535.</summary>
    public int InitialWindowSize { get; init; } = DefaultInitialWindowSize;

    /// <summary>Largest payload the owner takes, in bytes, 16,384 to 16,777,215; default 16,384.</summary>
    public int MaxFrameSize { get; init; } = DefaultMaxFrameSize;

    /// <summary>Largest decoded header list the owner takes, in bytes with 32 for each field; default <see cref="None"/>.</summary>
    public uint MaxHeaderListSize { get; init; } = None;

    /// <summary>Whether extended CONNECT may be used (RFC 8441); default false.</summary>
    public bool EnableConnectProtocol { get; init; }

    /// <summary>Applies one setting that came from the peer.</summary>
    /// <param name="id">Any 16-bit value; unknown ones change nothing.</param>
    /// <param name="value">The value as it came.</param>
    /// <param name="fromServer">Whether the sender is the server, which may not enable push.</param>
    /// <param name="next">The settings after it; on an error the settings before it.</param>
    /// <returns>NoError, or the connection error that RFC 9113 section 6.5.2 or RFC 8441 section 3 demands.</returns>
    public Http2ErrorCode Apply(SettingId id, uint value, bool fromServer, out Http2Settings next)
    {
        next = this;
        switch (id)
        {
            case SettingId.HeaderTableSize:
                next = this with { HeaderTableSize = (int)Math.Min(value, int.MaxValue) };
                return Http2ErrorCode.NoError;

            case SettingId.EnablePush:
                if (value > 1 || (fromServer && value != 0))
                    return Http2ErrorCode.ProtocolError;
                next = this with { EnablePush = value == 1 };
                return Http2ErrorCode.NoError;

            case SettingId.MaxConcurrentStreams:
                next = this with { MaxConcurrentStreams = value };
                return Http2ErrorCode.NoError;

            case SettingId.InitialWindowSize:
                if (value > int.MaxValue)
                    return Http2ErrorCode.FlowControlError;
                next = this with { InitialWindowSize = (int)value };
                return Http2ErrorCode.NoError;

            case SettingId.MaxFrameSize:
                if (value is < DefaultMaxFrameSize or > FrameHeader.MaxLength)
                    return Http2ErrorCode.ProtocolError;
                next = this with { MaxFrameSize = (int)value };
                return Http2ErrorCode.NoError;

            case SettingId.MaxHeaderListSize:
                next = this with { MaxHeaderListSize = value };
                return Http2ErrorCode.NoError;

            case SettingId.EnableConnectProtocol:
                if (value > 1 || (value == 0 && EnableConnectProtocol))
                    return Http2ErrorCode.ProtocolError;
                next = this with { EnableConnectProtocol = value == 1 };
                return Http2ErrorCode.NoError;

            default:
                return Http2ErrorCode.NoError;
        }
    }
}
