using System.Buffers.Binary;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Http2;

/// <summary>
/// Makes frames of bytes, however they are cut. DATA passes through as it arrives, uncopied; other frames are gathered, at most
/// one of them. Checks what a frame alone can show (RFC 9113, sections 4 and 6); streams and windows are the sink's business.
/// </summary>
/// <remarks>
/// <code>
///   preface --> header --9 bytes--> payload (gathered) --> header
///                  '--DATA--> data (passed on) --> padding (skipped) --> header
/// </code>
/// </remarks>
public sealed class FrameParser
{
    private readonly FrameParserLimits _limits;
    private readonly HpackDecoder _decoder;
    private readonly byte[] _headerBytes = new byte[FrameHeader.Size];
    private byte[] _gathered = [];
    private int _gatheredBytes;
    private int _headerRead;
    private int _prefaceLeft;
    private FrameHeader _frame;
    private State _state;
    private int _dataLeft;
    private int _paddingLeft;
    private bool _paddingLengthPending;
    private bool _firstChunk;
    private bool _settingsSeen;
    private int _idleFrames;
    private byte[] _block = [];
    private int _blockBytes;
    private int _blockStream;
    private int _continuations;
    private bool _blockEndsStream;
    private Http2Settings _peer = new();
    private string _reason = "";

    /// <param name="limits">What the peer may do.</param>
    /// <param name="isServer">Whether the client's preface comes first.</param>
    public FrameParser(FrameParserLimits limits, bool isServer)
    {
        _limits = limits;
        _decoder = new HpackDecoder(Http2Settings.DefaultHeaderTableSize, limits.MaxHeaderListBytes);
        _prefaceLeft = isServer ? FrameWriter.Preface.Length : 0;
    }

    private enum State
    {
        Header,
        Payload,
        Data,
    }

    /// <summary>Takes bytes in. After an error the parser is not used again.</summary>
    public FrameParseOutcome Feed(ReadOnlySpan<byte> bytes, IFrameSink sink)
    {
        while (!bytes.IsEmpty)
        {
            var error = _prefaceLeft > 0 ? ReadPreface(ref bytes) : _state switch
            {
                State.Header => ReadHeader(ref bytes, sink),
                State.Payload => ReadPayload(ref bytes, sink),
                State.Data => ReadData(ref bytes, sink),
            };
            if (error != Http2ErrorCode.NoError) return new FrameParseOutcome(error, _reason.Length > 0 ? _reason : error.ToString());
        }

        return FrameParseOutcome.Ok;
    }

    private Http2ErrorCode ReadPreface(ref ReadOnlySpan<byte> bytes)
    {
        var expected = FrameWriter.Preface[^_prefaceLeft..];
        int n = Math.Min(expected.Length, bytes.Length);
        if (!bytes[..n].SequenceEqual(expected[..n])) return Fail(Http2ErrorCode.ProtocolError, "this is no HTTP/2 client preface");
        _prefaceLeft -= n;
        bytes = bytes[n..];
        return Http2ErrorCode.NoError;
    }

    private Http2ErrorCode ReadHeader(ref ReadOnlySpan<byte> bytes, IFrameSink sink)
    {
        if (_headerRead == 0 && bytes.Length >= FrameHeader.Size)
        {
            _frame = FrameHeader.Parse(bytes);
            bytes = bytes[FrameHeader.Size..];
        }
        else
        {
            int n = Math.Min(FrameHeader.Size - _headerRead, bytes.Length);
            bytes[..n].CopyTo(_headerBytes.AsSpan(_headerRead));
            _headerRead += n;
            bytes = bytes[n..];
            if (_headerRead < FrameHeader.Size) return Http2ErrorCode.NoError;
            _frame = FrameHeader.Parse(_headerBytes);
            _headerRead = 0;
        }

        var error = CheckHeader();
        if (error != Http2ErrorCode.NoError) return error;
        if (_frame.Type == FrameType.Data)
        {
            _state = State.Data;
            _firstChunk = true;
            _paddingLengthPending = _frame.Flags.HasFlag(FrameFlags.Padded);
            _dataLeft = _frame.Length;
            _paddingLeft = 0;
            return _frame.Length == 0 ? EndData(default, sink) : Http2ErrorCode.NoError;
        }

        _state = State.Payload;
        _gatheredBytes = 0;
        return _frame.Length == 0 ? EndPayload(default, sink) : Http2ErrorCode.NoError;
    }

    private Http2ErrorCode CheckHeader()
    {
        if (_frame.Length > _limits.MaxFrameSize) return Fail(Http2ErrorCode.FrameSizeError, $"a frame of {_frame.Length} bytes, beyond {_limits.MaxFrameSize}");
        if (!_settingsSeen && (_frame.Type != FrameType.Settings || _frame.Flags.HasFlag(FrameFlags.Ack)))
        {
            return Fail(Http2ErrorCode.ProtocolError, "the first frame is not SETTINGS"); // RFC 9113, section 3.4
        }

        if (_blockStream != 0 && (_frame.Type != FrameType.Continuation || _frame.StreamId != _blockStream))
        {
            return Fail(Http2ErrorCode.ProtocolError, "a header block was interrupted"); // section 6.10
        }

        bool needsStream = _frame.Type is FrameType.Data or FrameType.Headers or FrameType.Priority or FrameType.RstStream or FrameType.Continuation;
        bool needsNone = _frame.Type is FrameType.Settings or FrameType.Ping or FrameType.GoAway;
        if ((needsStream && _frame.StreamId == 0) || (needsNone && _frame.StreamId != 0))
        {
            return Fail(Http2ErrorCode.ProtocolError, $"{_frame.Type} on stream {_frame.StreamId}");
        }

        bool moves = _frame.Type is FrameType.Headers or FrameType.WindowUpdate || (_frame.Type == FrameType.Data && _frame.Length > 0);
        _idleFrames = moves ? 0 : _idleFrames + 1;
        return _idleFrames > _limits.MaxIdleFrames
            ? Fail(Http2ErrorCode.EnhanceYourCalm, $"{_idleFrames} frames in a row that move nothing")
            : CheckLength();
    }

    private Http2ErrorCode CheckLength()
    {
        bool fits = _frame.Type switch
        {
            FrameType.Priority => _frame.Length == 5,
            FrameType.RstStream or FrameType.WindowUpdate => _frame.Length == 4,
            FrameType.Settings => _frame.Flags.HasFlag(FrameFlags.Ack) ? _frame.Length == 0 : _frame.Length % 6 == 0,
            FrameType.Ping => _frame.Length == 8,
            FrameType.GoAway => _frame.Length >= 8,
            _ => true,
        };
        if (!fits) return Fail(Http2ErrorCode.FrameSizeError, $"{_frame.Type} of {_frame.Length} bytes");
        return _frame.Type switch
        {
            FrameType.PushPromise => Fail(Http2ErrorCode.ProtocolError, "PUSH_PROMISE, which was not allowed"),
            FrameType.Continuation when _blockStream == 0 => Fail(Http2ErrorCode.ProtocolError, "CONTINUATION without a header block"),
            _ => Http2ErrorCode.NoError,
        };
    }

    private Http2ErrorCode ReadData(ref ReadOnlySpan<byte> bytes, IFrameSink sink)
    {
        if (_paddingLengthPending)
        {
            _paddingLengthPending = false;
            _paddingLeft = bytes[0];
            bytes = bytes[1..];
            _dataLeft = _frame.Length - 1 - _paddingLeft;
            if (_dataLeft < 0) return Fail(Http2ErrorCode.ProtocolError, "padding longer than its frame"); // section 6.1
            return _dataLeft == 0 && _paddingLeft == 0 ? EndData(default, sink) : Http2ErrorCode.NoError;
        }

        if (_dataLeft > 0)
        {
            var chunk = bytes[..Math.Min(_dataLeft, bytes.Length)];
            bytes = bytes[chunk.Length..];
            _dataLeft -= chunk.Length;
            return _dataLeft == 0 && _paddingLeft == 0 ? EndData(chunk, sink) : PassOn(chunk, endStream: false, sink);
        }

        int skipped = Math.Min(_paddingLeft, bytes.Length);
        bytes = bytes[skipped..];
        _paddingLeft -= skipped;
        return _paddingLeft == 0 ? EndData(default, sink) : Http2ErrorCode.NoError;
    }

    private Http2ErrorCode EndData(ReadOnlySpan<byte> last, IFrameSink sink)
    {
        _state = State.Header;
        bool ends = _frame.Flags.HasFlag(FrameFlags.EndStream);
        return last.IsEmpty && !ends && !_firstChunk ? Http2ErrorCode.NoError : PassOn(last, ends, sink);
    }

    private Http2ErrorCode PassOn(ReadOnlySpan<byte> chunk, bool endStream, IFrameSink sink)
    {
        int counted = _firstChunk ? _frame.Length : 0;
        _firstChunk = false;
        return sink.OnData(_frame.StreamId, chunk, counted, endStream);
    }

    private Http2ErrorCode ReadPayload(ref ReadOnlySpan<byte> bytes, IFrameSink sink)
    {
        int missing = _frame.Length - _gatheredBytes;
        if (_gatheredBytes == 0 && bytes.Length >= missing)
        {
            var whole = bytes[..missing];
            bytes = bytes[missing..];
            return EndPayload(whole, sink);
        }

        int n = Math.Min(missing, bytes.Length);
        if (_gathered.Length < _frame.Length) Array.Resize(ref _gathered, _frame.Length);
        bytes[..n].CopyTo(_gathered.AsSpan(_gatheredBytes));
        _gatheredBytes += n;
        bytes = bytes[n..];
        if (_gatheredBytes < _frame.Length) return Http2ErrorCode.NoError;
        var error = EndPayload(_gathered.AsSpan(0, _frame.Length), sink);
        if (_gathered.Length > 4096) _gathered = []; // an idle connection keeps no large buffer
        return error;
    }

    private Http2ErrorCode EndPayload(ReadOnlySpan<byte> payload, IFrameSink sink)
    {
        _state = State.Header;
        switch (_frame.Type)
        {
            case FrameType.Headers:
                return StartBlock(payload, sink);
            case FrameType.Continuation:
                return AddToBlock(payload, sink);
            case FrameType.Settings:
                return Settings(payload, sink);
            case FrameType.Ping:
                return sink.OnPing(BinaryPrimitives.ReadUInt64BigEndian(payload), _frame.Flags.HasFlag(FrameFlags.Ack));
            case FrameType.RstStream:
                return sink.OnReset(_frame.StreamId, (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload));
            case FrameType.GoAway:
                return sink.OnGoAway(
                    BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue, (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload[4..]), payload[8..]);
            case FrameType.WindowUpdate:
                int increment = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
                return increment == 0
                    ? Fail(Http2ErrorCode.ProtocolError, "WINDOW_UPDATE by zero") // section 6.9; treated as a connection error for streams as well
                    : sink.OnWindowUpdate(_frame.StreamId, increment);
            default:
                return Http2ErrorCode.NoError; // PRIORITY is deprecated; unknown types are ignored (section 5.5)
        }
    }

    private Http2ErrorCode Settings(ReadOnlySpan<byte> payload, IFrameSink sink)
    {
        _settingsSeen = true;
        if (_frame.Flags.HasFlag(FrameFlags.Ack)) return sink.OnSettingsAck();
        var error = Http2Settings.TryApply(_peer, payload, out _peer);
        return error == Http2ErrorCode.NoError ? sink.OnSettings(_peer) : Fail(error, "a setting has a value that it may not have");
    }

    private Http2ErrorCode StartBlock(ReadOnlySpan<byte> payload, IFrameSink sink)
    {
        int padding = 0;
        if (_frame.Flags.HasFlag(FrameFlags.Padded))
        {
            if (payload.IsEmpty) return Fail(Http2ErrorCode.FrameSizeError, "HEADERS without its padding length");
            padding = payload[0];
            payload = payload[1..];
        }

        if (_frame.Flags.HasFlag(FrameFlags.Priority))
        {
            if (payload.Length < 5) return Fail(Http2ErrorCode.FrameSizeError, "HEADERS without its priority");
            payload = payload[5..];
        }

        if (padding > payload.Length) return Fail(Http2ErrorCode.ProtocolError, "padding longer than its frame");
        _blockEndsStream = _frame.Flags.HasFlag(FrameFlags.EndStream);
        _blockBytes = 0;
        _continuations = 0;
        return AddToBlock(payload[..^padding], sink);
    }

    private Http2ErrorCode AddToBlock(ReadOnlySpan<byte> part, IFrameSink sink)
    {
        bool ends = _frame.Flags.HasFlag(FrameFlags.EndHeaders);
        if (_blockStream != 0 && ++_continuations > _limits.MaxContinuations)
        {
            return Fail(Http2ErrorCode.EnhanceYourCalm, $"more than {_limits.MaxContinuations} CONTINUATION frames");
        }

        if (_blockBytes + part.Length > _limits.MaxHeaderBlockBytes)
        {
            return Fail(Http2ErrorCode.EnhanceYourCalm, $"a header block beyond {_limits.MaxHeaderBlockBytes} bytes");
        }

        if (ends && _blockBytes == 0)
        {
            _blockStream = 0;
            return Decode(part, sink);
        }

        _blockStream = _frame.StreamId;
        if (_block.Length < _blockBytes + part.Length) Array.Resize(ref _block, Math.Max(_blockBytes + part.Length, 1024));
        part.CopyTo(_block.AsSpan(_blockBytes));
        _blockBytes += part.Length;
        if (!ends) return Http2ErrorCode.NoError;
        _blockStream = 0;
        var error = Decode(_block.AsSpan(0, _blockBytes), sink);
        _block = [];
        return error;
    }

    private Http2ErrorCode Decode(ReadOnlySpan<byte> block, IFrameSink sink)
    {
        switch (_decoder.Decode(block, out var headers))
        {
            case HpackOutcome.Decoded:
                return sink.OnHeaders(_frame.StreamId, headers, _blockEndsStream);
            case HpackOutcome.TooLarge:
                return sink.OnHeadersRefused(_frame.StreamId, $"the header list is beyond {_limits.MaxHeaderListBytes} bytes");
            case HpackOutcome.Malformed:
                return Fail(Http2ErrorCode.CompressionError, _decoder.Fault);
        }

        return Http2ErrorCode.InternalError;
    }

    private Http2ErrorCode Fail(Http2ErrorCode code, string reason)
    {
        _reason = reason;
        return code;
    }
}
