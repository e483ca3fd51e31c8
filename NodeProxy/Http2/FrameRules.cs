namespace Ambient.NodeProxy.Http2;

/// <summary>
/// What a frame's header alone gives away: wrong sizes and wrong streams (RFC 9113 sections 4.2 and 6). Pure.
/// </summary>
internal static class FrameRules
{
    /// <summary>Checks a header by its type. Frames of unknown types pass: only their size is bounded.</summary>
    public static FrameParseOutcome Check(in FrameHeader header, int maxFrameSize)
    {
        if (header.Length > maxFrameSize)
            return Fail(Http2ErrorCode.FrameSizeError, "a frame is longer than the advertised maximum (RFC 9113 section 4.2)");
        return header.Type switch
        {
            FrameType.Data => OnStream(header, "DATA on stream 0 (RFC 9113 section 6.1)"),
            FrameType.Headers => OnStream(header, "HEADERS on stream 0 (RFC 9113 section 6.2)"),
            FrameType.Continuation => OnStream(header, "CONTINUATION on stream 0 (RFC 9113 section 6.10)"),
            FrameType.Priority => OnStream(header, "PRIORITY on stream 0 (RFC 9113 section 6.3)", 5, "PRIORITY must have 5 bytes (RFC 9113 section 6.3)"),
            FrameType.RstStream => OnStream(header, "RST_STREAM on stream 0 (RFC 9113 section 6.4)", 4, "RST_STREAM must have 4 bytes (RFC 9113 section 6.4)"),
            FrameType.Settings => CheckSettings(header),
            FrameType.PushPromise => Fail(Http2ErrorCode.ProtocolError, "PUSH_PROMISE although push was never enabled (RFC 9113 section 8.4)"),
            FrameType.Ping => CheckPing(header),
            FrameType.GoAway => CheckGoAway(header),
            FrameType.WindowUpdate => header.Length == 4
                ? FrameParseOutcome.Ok
                : Fail(Http2ErrorCode.FrameSizeError, "WINDOW_UPDATE must have 4 bytes (RFC 9113 section 6.9)"),
            _ => FrameParseOutcome.Ok,
        };
    }

    /// <summary>Whose budget a frame is charged to; null for frames that pay for themselves.</summary>
    public static FloodKind? CostOf(in FrameHeader header) => header.Type switch
    {
        FrameType.Data => header.Length == 0 && !header.Has(FrameFlags.EndStream) ? FloodKind.EmptyFrame : null,
        FrameType.Headers or FrameType.Continuation =>
            header.Length == 0 && !header.Has(FrameFlags.EndHeaders) ? FloodKind.EmptyFrame : null,
        FrameType.Settings => header.Has(FrameFlags.Ack) ? null : FloodKind.Settings,
        FrameType.Ping => header.Has(FrameFlags.Ack) ? null : FloodKind.Ping,
        FrameType.RstStream => null, // charged by the owner of the streams, for those that lived: the end of a refused one is no attack
        FrameType.Priority => FloodKind.Priority,
        FrameType.WindowUpdate or FrameType.GoAway or FrameType.PushPromise => null,
        _ => FloodKind.UnknownFrame,
    };

    /// <summary>A failure.</summary>
    public static FrameParseOutcome Fail(Http2ErrorCode code, string reason) => new(code, reason);

    private static FrameParseOutcome OnStream(in FrameHeader header, string onConnection) =>
        header.StreamId != 0 ? FrameParseOutcome.Ok : Fail(Http2ErrorCode.ProtocolError, onConnection);

    private static FrameParseOutcome OnStream(in FrameHeader header, string onConnection, int length, string wrongLength)
    {
        if (header.StreamId == 0)
            return Fail(Http2ErrorCode.ProtocolError, onConnection);
        return header.Length == length ? FrameParseOutcome.Ok : Fail(Http2ErrorCode.FrameSizeError, wrongLength);
    }

    private static FrameParseOutcome CheckSettings(in FrameHeader header)
    {
        if (header.StreamId != 0)
            return Fail(Http2ErrorCode.ProtocolError, "SETTINGS on a stream (RFC 9113 section 6.5)");
        if (header.Has(FrameFlags.Ack) && header.Length != 0)
            return Fail(Http2ErrorCode.FrameSizeError, "an acknowledgement of SETTINGS carries settings (RFC 9113 section 6.5)");
        return header.Length % 6 == 0
            ? FrameParseOutcome.Ok
            : Fail(Http2ErrorCode.FrameSizeError, "SETTINGS is not a multiple of 6 bytes long (RFC 9113 section 6.5)");
    }

    private static FrameParseOutcome CheckPing(in FrameHeader header)
    {
        if (header.StreamId != 0)
            return Fail(Http2ErrorCode.ProtocolError, "PING on a stream (RFC 9113 section 6.7)");
        return header.Length == 8
            ? FrameParseOutcome.Ok
            : Fail(Http2ErrorCode.FrameSizeError, "PING must have 8 bytes (RFC 9113 section 6.7)");
    }

    private static FrameParseOutcome CheckGoAway(in FrameHeader header)
    {
        if (header.StreamId != 0)
            return Fail(Http2ErrorCode.ProtocolError, "GOAWAY on a stream (RFC 9113 section 6.8)");
        return header.Length >= 8
            ? FrameParseOutcome.Ok
            : Fail(Http2ErrorCode.FrameSizeError, "GOAWAY must have at least 8 bytes (RFC 9113 section 6.8)");
    }
}
