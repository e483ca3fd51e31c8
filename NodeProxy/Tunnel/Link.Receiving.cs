using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>The reading half: the connection has bytes, the parser makes frames of them.</summary>
internal sealed partial class Link : IByteSink, IFrameSink
{
    // One turn parses at most this many batches, then other links and sockets have theirs.
    private const int BatchesPerTurn = 4;

    private readonly FrameParser _parser;
    private long _lastReceivedTicks;
    private int _answerBytes; // answers queued since the queue was last empty
    private int _decoderWindow;
    private int _uncreditedConnectionBytes;
    private int _peerLastProcessed = int.MaxValue;
    private bool _hasPeerSettings;

    /// <inheritdoc/>
    void IByteSink.SourceReady()
    {
        if (!IsClosed) Loop.QueueReceive(this);
    }

    /// <inheritdoc/>
    int IByteSink.Push(ReadOnlySpan<byte> bytes) => 0;

    /// <inheritdoc/>
    void ILoopTurn.RunTurn()
    {
        for (int batch = 0; batch < BatchesPerTurn; batch++)
        {
            if (IsClosed) return;
            var room = Loop.Scratch.ReceivePlain;
            switch (_connection.Pull(room, out int bytes))
            {
                case PullOutcome.Bytes:
                    _lastReceivedTicks = Loop.NowTicks;
                    var outcome = _parser.Feed(room.AsSpan(0, bytes), this, Loop.NowTicks);
                    if (outcome.Error != Http2ErrorCode.NoError)
                    {
                        Violate(outcome.Error, outcome.Reason);
                        return;
                    }

                    // More than a full link's own requests: only a peer that does not read gets there.
                    if (_control.Length > 16 * Options.MaxPendingControlBytes)
                    {
                        Violate(Http2ErrorCode.EnhanceYourCalm, "the peer does not read our answers");
                        return;
                    }

                    break;
                case PullOutcome.Empty:
                    return;
                case PullOutcome.End:
                    // close_notify: clean for the link, but a stream that is still open was cut.
                    _connection.Abort(ConnectionFault.Truncated);
                    End(ConnectionFault.Truncated, "the peer closed the link");
                    return;
                case PullOutcome.Broken:
                    return; // OnBroken was called
            }
        }

        if (!IsClosed) Loop.QueueReceive(this);
    }

    Http2ErrorCode IFrameSink.OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream)
    {
        if (!TakeConnectionCredit(flowControlled)) return Http2ErrorCode.FlowControlError;
        if (!_streams.TryGetValue(streamId, out var stream))
        {
            return WasUsed(streamId) ? Http2ErrorCode.NoError : Http2ErrorCode.ProtocolError; // late, after our RST_STREAM
        }

        if (stream.IsEndReceived) return EndFaulty(stream, Http2ErrorCode.StreamClosed); // RFC 9113, section 5.1, half-closed (remote)
        if (!stream.OnData(chunk, flowControlled)) return EndFaulty(stream, Http2ErrorCode.FlowControlError);

        if (endStream) EndOf(stream);
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnHeaders(int streamId, HeaderList headers, bool endStream)
    {
        if (_streams.TryGetValue(streamId, out var stream))
        {
            if (stream.Opener is { } opener) return OnAnswer(stream, opener, headers, endStream);
            // Trailers, which end the stream (RFC 9113, section 8.1); what they say is of no interest here.
            if (stream.IsEndReceived) return EndFaulty(stream, Http2ErrorCode.StreamClosed);
            if (!endStream || HeaderRules.CheckTrailers(headers) != HeaderFault.None) return EndFaulty(stream, Http2ErrorCode.ProtocolError);
            EndOf(stream);
            return Http2ErrorCode.NoError;
        }

        if (!IsServer) return WasUsed(streamId) ? Http2ErrorCode.NoError : Http2ErrorCode.ProtocolError;
        if (IsClosed) return Http2ErrorCode.NoError;                        // ended by a frame before this one, in the same batch
        if ((streamId & 1) == 0) return Http2ErrorCode.ProtocolError;       // RFC 9113, section 5.1.1
        if (streamId <= _lastPeerStreamId) return Http2ErrorCode.NoError;   // late, after our RST_STREAM
        if (IsOutdated) Drain(OutdatedReason);
        if (IsClosed) return Http2ErrorCode.NoError;
        if (IsDraining) return ResetUnopened(streamId, Http2ErrorCode.RefusedStream);
        _lastPeerStreamId = streamId;
        if (_streams.Count >= Options.MaxConcurrentStreams || Budget.IsExhausted) return ResetUnopened(streamId, Http2ErrorCode.RefusedStream);
        if (HeaderRules.CheckRequest(headers) is var fault and not HeaderFault.None)
        {
            ConnectHeaders.WriteRefused(_control, streamId, _peerMaxFrame, 400, HeaderRules.Explain(fault));
            _owner.OnFault(this, RefusalReason.BadRequest, HeaderRules.Explain(fault));
            return ResetUnopened(streamId, Http2ErrorCode.NoError);
        }

        var opened = new TunnelStream(this, streamId, opener: null);
        Register(opened);
        if (endStream) opened.OnEnd();
        _owner.OnRequest(this, opened, headers);
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnHeadersRefused(int streamId, string reason)
    {
        if (_streams.TryGetValue(streamId, out var stream)) return EndFaulty(stream, Http2ErrorCode.ProtocolError);
        if (!IsServer || streamId <= _lastPeerStreamId) return Http2ErrorCode.NoError;
        _lastPeerStreamId = streamId;
        ConnectHeaders.WriteRefused(_control, streamId, _peerMaxFrame, 431, reason); // RFC 6585, section 5
        _owner.OnFault(this, RefusalReason.BadRequest, reason);
        return ResetUnopened(streamId, Http2ErrorCode.NoError);
    }

    Http2ErrorCode IFrameSink.OnSettings(in Http2Settings settings)
    {
        _hasPeerSettings = true;
        int change = settings.InitialWindowSize - PeerInitialWindow;
        PeerInitialWindow = settings.InitialWindowSize;
        _peerMaxFrame = settings.MaxFrameSize;
        _peerMaxStreams = (int)Math.Min(settings.MaxConcurrentStreams, int.MaxValue);
        FrameWriter.WriteSettingsAck(_control);
        _connection.SourceReady();
        if (change != 0)
        {
            foreach (var stream in _streams.Values)
            {
                stream.SendWindow += change;
                if (stream.SendWindow > int.MaxValue) return Http2ErrorCode.FlowControlError; // RFC 9113, section 6.9.2
                OnStreamWindow(stream);
            }
        }

        if (HasCapacity) _owner.OnCapacity(this);
        return LimitAnswers(FrameHeader.Size);
    }

    Http2ErrorCode IFrameSink.OnSettingsAck()
    {
        OnInitialWindowAcked();
        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnPing(ulong opaque, bool ack)
    {
        if (ack) return Http2ErrorCode.NoError;
        FrameWriter.WritePing(_control, opaque, ack: true);
        _connection.SourceReady();
        return LimitAnswers(FrameHeader.Size + 8);
    }

    Http2ErrorCode IFrameSink.OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug)
    {
        _peerLastProcessed = Math.Min(_peerLastProcessed, lastStreamId);
        Drain($"the peer is leaving ({code})"); // first: what is tried again must not come back to this link
        if (!IsServer)
        {
            foreach (var stream in _streams.Values.Where(s => s.Id > _peerLastProcessed).ToArray())
            {
                stream.OnLost(ConnectionFault.Ended, isUnprocessed: true);
            }
        }

        return Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnReset(int streamId, Http2ErrorCode code)
    {
        if (!_streams.TryGetValue(streamId, out var stream))
        {
            return WasUsed(streamId) ? Http2ErrorCode.NoError : Http2ErrorCode.ProtocolError;
        }

        bool isRapid = IsServer && !stream.IsOpen;
        stream.OnResetReceived();
        stream.OnLost(ConnectionFault.Reset, isUnprocessed: code == Http2ErrorCode.RefusedStream);
        // Rapid is a reset that does not wait for our answer (CVE-2023-44487): only so are there more requests than streams. Afterwards it
        // is how an app ends its connection, and there may be as many of those as of connections; that of a refused stream costs nothing.
        return isRapid ? _parser.Flood.Charge(FloodKind.PeerReset, Loop.NowTicks) : Http2ErrorCode.NoError;
    }

    Http2ErrorCode IFrameSink.OnWindowUpdate(int streamId, int increment)
    {
        if (streamId == 0)
        {
            _sendWindow += increment;
            if (_sendWindow > int.MaxValue) return Http2ErrorCode.FlowControlError;
            if (!_ready.IsEmpty) _connection.SourceReady();
            return Http2ErrorCode.NoError;
        }

        if (!_streams.TryGetValue(streamId, out var stream))
        {
            return WasUsed(streamId) ? Http2ErrorCode.NoError : Http2ErrorCode.ProtocolError;
        }

        stream.SendWindow += increment;
        if (stream.SendWindow > int.MaxValue) return EndFaulty(stream, Http2ErrorCode.FlowControlError);
        OnStreamWindow(stream);
        return Http2ErrorCode.NoError;
    }

    private Http2ErrorCode OnAnswer(TunnelStream stream, IStreamOpener opener, HeaderList headers, bool endStream)
    {
        if (HeaderRules.CheckResponse(headers) != HeaderFault.None || !ConnectHeaders.TryReadAnswer(headers, out int status, out string reason))
        {
            return EndFaulty(stream, Http2ErrorCode.ProtocolError);
        }

        if (status is >= 100 and < 200) return Http2ErrorCode.NoError; // interim: RFC 9110, section 15.2
        stream.Opener = null;
        if (status is >= 200 and < 300)
        {
            stream.IsOpen = true;
            if (endStream) stream.OnEnd();
            opener.OnOpened(stream);
            return Http2ErrorCode.NoError;
        }

        if (endStream) stream.OnEnd();
        stream.Abort(ConnectionFault.Ended);
        opener.OnRefused(stream, status, reason);
        return Http2ErrorCode.NoError;
    }

    // The stream alone ends. A peer that makes us reset one stream after the other runs out of its budget (CVE-2025-8671).
    private Http2ErrorCode EndFaulty(TunnelStream stream, Http2ErrorCode code)
    {
        stream.ResetCode = code;
        _owner.OnFault(this, RefusalReason.ProtocolViolation, $"stream {stream.Id} was reset with {code}");
        stream.OnLost(ConnectionFault.ProtocolViolation, isUnprocessed: false);
        return _parser.Flood.Charge(FloodKind.ProvokedReset, Loop.NowTicks);
    }

    private Http2ErrorCode ResetUnopened(int streamId, Http2ErrorCode code)
    {
        SendReset(streamId, code);
        // A refusal while we drain or are full is no fault of the peer's.
        return code == Http2ErrorCode.RefusedStream ? Http2ErrorCode.NoError : _parser.Flood.Charge(FloodKind.ProvokedReset, Loop.NowTicks);
    }

    private void EndOf(TunnelStream stream)
    {
        stream.OnEnd();
        if (stream.IsDone) Forget(stream);
    }

    // Returned on receipt: what a stalled reader holds is its own window, never the connection's.
    private bool TakeConnectionCredit(int bytes)
    {
        if (bytes == 0) return true;
        if (bytes > _decoderWindow) return false;
        _decoderWindow -= bytes;
        _uncreditedConnectionBytes += bytes;
        if (_uncreditedConnectionBytes >= Options.ConnectionWindowBytes / 2)
        {
            SendWindowUpdate(0, _uncreditedConnectionBytes);
            _decoderWindow += _uncreditedConnectionBytes;
            _uncreditedConnectionBytes = 0;
        }

        return true;
    }

    private bool WasUsed(int streamId) =>
        (streamId & 1) == 1 && (IsServer ? IsDraining || streamId <= _lastPeerStreamId : streamId < _nextStreamId);

    // Answers only: our own requests may well be many at once.
    private Http2ErrorCode LimitAnswers(int bytes) =>
        (_answerBytes += bytes) > Options.MaxPendingControlBytes ? Http2ErrorCode.EnhanceYourCalm : Http2ErrorCode.NoError;

    private void Violate(Http2ErrorCode code, string reason)
    {
        SendGoAway(code, reason);
        // The reason leaves first, then the connection ends; streams break now.
        if (!IsDraining)
        {
            IsDraining = true;
            _owner.OnDraining(this);
        }

        _isClosing = true;
        IsViolated = true;
        _endReason = $"protocol violation: {code}: {reason}";
        _connection.Receiver = null;
        foreach (var stream in _streams.Values.ToArray()) stream.OnLost(ConnectionFault.ProtocolViolation, isUnprocessed: false);
        _connection.SourceReady();
    }

    private static FrameParser NewParser(bool isServer, LinkOptions options) => new(
        new FrameParserLimits { MaxFrameSize = options.MaxFrameBytes, MaxHeaderListBytes = options.MaxHeaderListBytes }, isServer);
}
