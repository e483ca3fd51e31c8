using System.Runtime.CompilerServices;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Http2;

/// <summary>
/// Reads one direction of an HTTP/2 connection in pieces of any size. DATA is handed on as it arrives, without a copy; other
/// frames are handed on whole, from where they lie if they arrived whole. Knows no stream's state: whether a stream exists, is
/// open, and which side may open it is the sink's to judge. Owned by one connection.
/// <code>
///  Preface --24 bytes--> Header --9 bytes--+--> DataPadLength --> Data --> Skip (padding) --> Header
///                          ^               +--> Data
///                          |               +--> Gather --whole--> dispatched
///                          |               +--> Skip (unknown types)
///                          +-----------------------------------------+       any fault: Failed, for good
/// </code>
/// </summary>
public sealed class FrameParser
{
    private enum State : byte { Preface, Header, DataPadLength, Data, Gather, Skip, Failed }

    private readonly FrameParserLimits _limits;
    private readonly bool _isServer;
    private readonly HeaderBlockReader _blocks;
    private readonly FrameBuffer _gathered = new();
    private FrameParseOutcome _failure = FrameParseOutcome.Ok;
    private FrameHeader _frame;
    private HeaderBytes _partial;
    private State _state;
    private bool _sawSettings;
    private int _partialLength;     // of the frame's header, or of the preface
    private int _remaining;         // payload bytes still to come, without padding
    private int _padding;           // padding bytes still to come
    private int _uncounted;         // flow-controlled bytes not reported yet

    /// <summary>A parser at the connection's beginning.</summary>
    /// <param name="limits">What to take from the peer.</param>
    /// <param name="isServer">Whether the peer is the client, which sends the preface first.</param>
    /// <param name="scratch">The list that headers are decoded into; parsers of one loop may share one.</param>
    public FrameParser(FrameParserLimits limits, bool isServer, HeaderList? scratch = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.MaxFrameSize, Http2Settings.DefaultMaxFrameSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limits.MaxFrameSize, FrameHeader.MaxLength);
        _limits = limits;
        _isServer = isServer;
        _blocks = new HeaderBlockReader(limits, scratch ?? new HeaderList());
        Flood = new FloodGuard(limits.Flood);
        _state = isServer ? State.Preface : State.Header;
    }

    /// <summary>What the peer allows us, as of the last SETTINGS frame.</summary>
    public Http2Settings PeerSettings { get; private set; } = new();

    /// <summary>The connection's budgets, for what only the owner of the streams can charge.</summary>
    public FloodGuard Flood { get; }

    /// <summary>Whether the bytes so far end behind a frame, outside a header block: an end of input anywhere else cuts one off.</summary>
    public bool IsBetweenFrames => _state == State.Header && _partialLength == 0 && _blocks.OpenStream == 0;

    /// <summary>Reads what arrived, all of it unless something is wrong.</summary>
    /// <param name="bytes">Any number of bytes, also none.</param>
    /// <param name="sink">Is called for each frame before this returns; must not call back into this parser.</param>
    /// <param name="nowTicks">The loop's clock, in ticks of 100 ns, for the flood budgets.</param>
    /// <returns>The first fault, which every later call returns again without reading.</returns>
    public FrameParseOutcome Feed(ReadOnlySpan<byte> bytes, IFrameSink sink, long nowTicks)
    {
        while (!bytes.IsEmpty)
        {
            FrameParseOutcome outcome = _state switch
            {
                State.Preface => ReadPreface(ref bytes),
                State.Header => ReadHeader(ref bytes, sink, nowTicks),
                State.DataPadLength => ReadPadLength(ref bytes, sink),
                State.Data => ReadData(ref bytes, sink),
                State.Gather => ReadGathered(ref bytes, sink),
                State.Skip => Skip(ref bytes, sink),
                State.Failed => _failure,
            };
            if (!outcome.IsOk)
            {
                _state = State.Failed;
                return _failure = outcome;
            }
        }

        return _failure;
    }

    /// <summary>Turns a sink's answer into an outcome.</summary>
    internal static FrameParseOutcome Answered(Http2ErrorCode answer, FrameType type, int streamId) =>
        answer == Http2ErrorCode.NoError ? FrameParseOutcome.Ok : Refused(answer, type, streamId);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static FrameParseOutcome Refused(Http2ErrorCode answer, FrameType type, int streamId) =>
        FrameRules.Fail(answer, $"{type} on stream {streamId} was not acceptable ({answer})");

    private FrameParseOutcome ReadPreface(ref ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> expected = FrameWriter.Preface[_partialLength..];
        int length = Math.Min(expected.Length, bytes.Length);
        if (!bytes[..length].SequenceEqual(expected[..length]))
            return FrameRules.Fail(Http2ErrorCode.ProtocolError, "not HTTP/2: no client preface (RFC 9113 section 3.4)");
        bytes = bytes[length..];
        _partialLength += length;
        if (length == expected.Length)
        {
            _partialLength = 0;
            _state = State.Header;
        }

        return FrameParseOutcome.Ok;
    }

    private FrameParseOutcome ReadHeader(ref ReadOnlySpan<byte> bytes, IFrameSink sink, long nowTicks)
    {
        if (_partialLength == 0 && bytes.Length >= FrameHeader.Size)
        {
            _frame = FrameHeader.Parse(bytes);
            bytes = bytes[FrameHeader.Size..];
            return BeginFrame(sink, nowTicks);
        }

        int length = Math.Min(FrameHeader.Size - _partialLength, bytes.Length);
        bytes[..length].CopyTo(_partial[_partialLength..]);
        bytes = bytes[length..];
        _partialLength += length;
        if (_partialLength < FrameHeader.Size)
            return FrameParseOutcome.Ok;
        _partialLength = 0;
        _frame = FrameHeader.Parse(_partial);
        return BeginFrame(sink, nowTicks);
    }

    private FrameParseOutcome BeginFrame(IFrameSink sink, long nowTicks)
    {
        // First of all, so that a peer which speaks another protocol gets this reason and not one about a size.
        if (!_sawSettings && (_frame.Type != FrameType.Settings || _frame.Has(FrameFlags.Ack)))
            return FrameRules.Fail(Http2ErrorCode.ProtocolError, "the first frame is not SETTINGS (RFC 9113 section 3.4)");
        _sawSettings = true;
        FrameParseOutcome outcome = FrameRules.Check(_frame, _limits.MaxFrameSize);
        if (!outcome.IsOk)
            return outcome;
        if (_blocks.OpenStream != 0 && (_frame.Type != FrameType.Continuation || _frame.StreamId != _blocks.OpenStream))
            return FrameRules.Fail(Http2ErrorCode.ProtocolError, "another frame inside a header block (RFC 9113 section 4.3)");
        if (FrameRules.CostOf(_frame) is { } cost && Flood.Charge(cost, nowTicks) != Http2ErrorCode.NoError)
            return FrameRules.Fail(Http2ErrorCode.EnhanceYourCalm, $"too many frames of the kind {cost} in a short time");

        _remaining = _frame.Length;
        switch (_frame.Type)
        {
            case FrameType.Data:
                return BeginData(sink);

            case FrameType.Headers or FrameType.Continuation:
                outcome = _blocks.Admit(_frame);
                return outcome.IsOk ? BeginGathering(sink) : outcome;

            case FrameType.Settings:
                return _frame.Length <= _limits.MaxSettingsPerFrame * 6
                    ? BeginGathering(sink)
                    : FrameRules.Fail(Http2ErrorCode.EnhanceYourCalm, $"more than {_limits.MaxSettingsPerFrame} settings in a frame");

            case FrameType.Ping or FrameType.GoAway or FrameType.RstStream or FrameType.WindowUpdate:
                return BeginGathering(sink);

            default:
                _padding = _remaining;
                _state = _padding == 0 ? State.Header : State.Skip;
                return FrameParseOutcome.Ok;
        }
    }

    private FrameParseOutcome BeginData(IFrameSink sink)
    {
        _uncounted = _frame.Length;
        _padding = 0;
        if (_frame.Has(FrameFlags.Padded))
        {
            _state = State.DataPadLength;
            return _frame.Length > 0
                ? FrameParseOutcome.Ok
                : FrameRules.Fail(Http2ErrorCode.FrameSizeError, "padded DATA without a padding length (RFC 9113 section 6.1)");
        }

        _state = State.Data;
        return _remaining == 0 ? HandOn(default, sink) : FrameParseOutcome.Ok;
    }

    private FrameParseOutcome ReadPadLength(ref ReadOnlySpan<byte> bytes, IFrameSink sink)
    {
        _padding = bytes[0];
        bytes = bytes[1..];
        _remaining = _frame.Length - 1 - _padding;
        if (_remaining < 0)
            return FrameRules.Fail(Http2ErrorCode.ProtocolError, "DATA with more padding than payload (RFC 9113 section 6.1)");
        _state = State.Data;
        return _remaining == 0 ? HandOn(default, sink) : FrameParseOutcome.Ok;
    }

    private FrameParseOutcome ReadData(ref ReadOnlySpan<byte> bytes, IFrameSink sink)
    {
        int length = Math.Min(_remaining, bytes.Length);
        ReadOnlySpan<byte> chunk = bytes[..length];
        bytes = bytes[length..];
        _remaining -= length;
        return HandOn(chunk, sink);
    }

    private FrameParseOutcome HandOn(ReadOnlySpan<byte> chunk, IFrameSink sink)
    {
        if (_remaining == 0)
            _state = _padding == 0 ? State.Header : State.Skip;
        int flowControlled = _uncounted;
        _uncounted = 0;
        bool endStream = _state == State.Header && _frame.Has(FrameFlags.EndStream);
        return Answered(sink.OnData(_frame.StreamId, chunk, flowControlled, endStream), FrameType.Data, _frame.StreamId);
    }

    private FrameParseOutcome Skip(ref ReadOnlySpan<byte> bytes, IFrameSink sink)
    {
        int length = Math.Min(_padding, bytes.Length);
        bytes = bytes[length..];
        _padding -= length;
        if (_padding > 0)
            return FrameParseOutcome.Ok;
        _state = State.Header;
        // A frame that was cut inside its padding has not ended the stream.
        return _frame.Type == FrameType.Data && _frame.Has(FrameFlags.EndStream) ? HandOn(default, sink) : FrameParseOutcome.Ok;
    }

    private FrameParseOutcome BeginGathering(IFrameSink sink)
    {
        if (_remaining == 0)
            return Dispatch(default, sink);
        _state = State.Gather;
        return FrameParseOutcome.Ok;
    }

    private FrameParseOutcome ReadGathered(ref ReadOnlySpan<byte> bytes, IFrameSink sink)
    {
        int length = Math.Min(_remaining, bytes.Length);
        ReadOnlySpan<byte> part = bytes[..length];
        bytes = bytes[length..];
        _remaining -= length;
        if (length == _frame.Length)
            return Dispatch(part, sink);
        _gathered.Append(part);
        if (_remaining > 0)
            return FrameParseOutcome.Ok;
        FrameParseOutcome outcome = Dispatch(_gathered.Bytes, sink);
        _gathered.Clear();
        return outcome;
    }

    private FrameParseOutcome Dispatch(ReadOnlySpan<byte> payload, IFrameSink sink)
    {
        _state = State.Header;
        switch (_frame.Type)
        {
            case FrameType.Headers:
                return _blocks.OnHeaders(_frame, payload, sink);
            case FrameType.Continuation:
                return _blocks.OnContinuation(_frame, payload, sink);
            case FrameType.Settings when _frame.Has(FrameFlags.Ack):
                _blocks.LimitAcknowledged();
                return Answered(sink.OnSettingsAck(), FrameType.Settings, 0);
            case FrameType.Settings:
                return OnSettings(payload, sink);
            default:
                return ControlFrames.HandOn(_frame, payload, sink);
        }
    }

    private FrameParseOutcome OnSettings(ReadOnlySpan<byte> payload, IFrameSink sink)
    {
        FrameParseOutcome outcome = ControlFrames.ReadSettings(payload, fromServer: !_isServer, PeerSettings, out Http2Settings settings);
        if (!outcome.IsOk)
            return outcome;
        PeerSettings = settings;
        return Answered(sink.OnSettings(settings), FrameType.Settings, 0);
    }

    [InlineArray(FrameHeader.Size)]
    private struct HeaderBytes
    {
        private byte _first;
    }
}
