using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Http2;

/// <summary>
/// Puts one header block together from HEADERS and CONTINUATION (RFC 9113 section 4.3), bounds it, and has it decoded.
/// A block in one frame is decoded where it lies.
/// </summary>
internal sealed class HeaderBlockReader(FrameParserLimits limits, HeaderList headers)
{
    private const int PriorityBytes = 5;

    private readonly HpackDecoder _decoder = new(limits.HeaderTableBytes, limits.MaxHeaderListBytes, limits.MaxHeaderFields);
    private readonly FrameBuffer _fragments = new();
    private int _wireBytes;
    private int _continuations;
    private bool _endStream;

    /// <summary>The stream whose block is open: only its CONTINUATION may come; 0 when none is.</summary>
    public int OpenStream { get; private set; }

    /// <summary>See <see cref="HpackDecoder.LimitAcknowledged"/>.</summary>
    public void LimitAcknowledged() => _decoder.LimitAcknowledged();

    /// <summary>Bounds a block before its next frame is gathered.</summary>
    public FrameParseOutcome Admit(in FrameHeader header)
    {
        if (header.Type == FrameType.Continuation)
        {
            if (OpenStream == 0)
                return FrameRules.Fail(Http2ErrorCode.ProtocolError, "CONTINUATION without HEADERS before it (RFC 9113 section 6.10)");
            if (++_continuations > limits.MaxContinuationFrames)
                return FrameRules.Fail(Http2ErrorCode.EnhanceYourCalm, $"a header block in more than {limits.MaxContinuationFrames} CONTINUATION frames");
        }

        _wireBytes += header.Length;
        return _wireBytes <= limits.MaxHeaderBlockBytes
            ? FrameParseOutcome.Ok
            : FrameRules.Fail(Http2ErrorCode.EnhanceYourCalm, $"a header block longer than {limits.MaxHeaderBlockBytes} bytes");
    }

    /// <summary>Takes the payload of a HEADERS frame.</summary>
    public FrameParseOutcome OnHeaders(in FrameHeader header, ReadOnlySpan<byte> payload, IFrameSink sink)
    {
        ReadOnlySpan<byte> fragment = payload;
        int padding = 0;
        if (header.Has(FrameFlags.Padded))
        {
            if (fragment.IsEmpty)
                return FrameRules.Fail(Http2ErrorCode.FrameSizeError, "padded HEADERS without a padding length (RFC 9113 section 6.2)");
            padding = fragment[0];
            fragment = fragment[1..];
        }

        if (header.Has(FrameFlags.Priority))
        {
            if (fragment.Length < PriorityBytes)
                return FrameRules.Fail(Http2ErrorCode.FrameSizeError, "HEADERS too short for its priority (RFC 9113 section 6.2)");
            fragment = fragment[PriorityBytes..];
        }

        if (padding > fragment.Length)
            return FrameRules.Fail(Http2ErrorCode.ProtocolError, "HEADERS with more padding than payload (RFC 9113 section 6.2)");
        _endStream = header.Has(FrameFlags.EndStream);
        return Take(header, fragment[..^padding], sink);
    }

    /// <summary>Takes the payload of a CONTINUATION frame.</summary>
    public FrameParseOutcome OnContinuation(in FrameHeader header, ReadOnlySpan<byte> payload, IFrameSink sink) =>
        Take(header, payload, sink);

    private FrameParseOutcome Take(in FrameHeader header, ReadOnlySpan<byte> fragment, IFrameSink sink)
    {
        if (!header.Has(FrameFlags.EndHeaders))
        {
            OpenStream = header.StreamId;
            _fragments.Append(fragment);
            return FrameParseOutcome.Ok;
        }

        OpenStream = 0;
        _wireBytes = 0;
        _continuations = 0;
        if (_fragments.Length == 0)
            return Decode(header.StreamId, fragment, sink);
        _fragments.Append(fragment);
        FrameParseOutcome outcome = Decode(header.StreamId, _fragments.Bytes, sink);
        _fragments.Clear();
        return outcome;
    }

    private FrameParseOutcome Decode(int streamId, ReadOnlySpan<byte> block, IFrameSink sink) => _decoder.Decode(block, headers) switch
    {
        HpackOutcome.Decoded => FrameParser.Answered(sink.OnHeaders(streamId, headers, _endStream), FrameType.Headers, streamId),
        HpackOutcome.ListTooLarge => Refuse(streamId, $"a header list larger than {limits.MaxHeaderListBytes} bytes", sink),
        HpackOutcome.TooManyFields => Refuse(streamId, $"more than {limits.MaxHeaderFields} header fields", sink),
        HpackOutcome.Truncated => Lost("a header block ends inside a field (RFC 7541 section 6)"),
        HpackOutcome.IntegerTooLarge => Lost("an HPACK integer needs more than 31 bits (RFC 7541 section 5.1)"),
        HpackOutcome.UnknownIndex => Lost("an HPACK index names no entry (RFC 7541 section 2.3.3)"),
        HpackOutcome.BadHuffman => Lost("a Huffman string is padded wrongly or holds EOS (RFC 7541 section 5.2)"),
        HpackOutcome.TableSizeTooLarge => Lost("an HPACK table size above the advertised one (RFC 7541 section 6.3)"),
        HpackOutcome.TableSizeMisplaced => Lost("an HPACK table size update behind a field (RFC 7541 section 4.2)"),
        HpackOutcome.TableSizeMissing => Lost("a lowered HPACK table size was acknowledged and not followed (RFC 7541 section 4.2)"),
    };

    private FrameParseOutcome Refuse(int streamId, string reason, IFrameSink sink) =>
        FrameParser.Answered(sink.OnHeadersRefused(streamId, reason), FrameType.Headers, streamId);

    private static FrameParseOutcome Lost(string reason) => FrameRules.Fail(Http2ErrorCode.CompressionError, reason);
}
