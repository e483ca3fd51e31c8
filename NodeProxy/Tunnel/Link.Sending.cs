using System.Buffers.Binary;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>The writing half: the connection asks for bytes, and frames are made on the spot.</summary>
internal sealed partial class Link : IByteSource
{
    // RFC 9113, section 5.1.1: 31 bits; a margin, so that draining starts before the numbers are gone.
    private const int MaxStreamId = int.MaxValue - 1024;

    // A DATA frame for fewer bytes than this is not worth its header while other streams wait for the batch.
    private const int SmallestShare = 256;

    private readonly ControlQueue _control;
    private readonly ReadyStreams _ready = new();
    private long _sendWindow = Http2Settings.DefaultInitialWindowSize;
    private int _peerMaxFrame = Http2Settings.DefaultMaxFrameSize;
    private int _peerMaxStreams = 100; // assumed until the peer's SETTINGS arrive

    /// <summary>The window a new stream starts with towards the peer.</summary>
    internal int PeerInitialWindow { get; private set; } = Http2Settings.DefaultInitialWindowSize;

    /// <inheritdoc/>
    PullOutcome IByteSource.Pull(Span<byte> into, out int bytes)
    {
        // 1. Control frames first, in order.
        bytes = _control.Take(into);
        if (_control.Length > 0) return PullOutcome.Bytes;
        _answerBytes = 0;

        // 2. Then the streams, in turns. Payload lands straight behind the room for its header.
        bool crowded = false;
        while (into.Length - bytes >= FrameHeader.Size + SmallestShare && _sendWindow > 0 && _ready.Take() is { } stream)
        {
            if (stream.IsClosed || stream.IsSendEnded || stream.Sender is null) continue;
            crowded |= !_ready.IsEmpty;
            bytes += WriteTurn(stream, into[bytes..], crowded);
            if (IsClosed) return PullOutcome.Broken;
            // A turn may have made control frames (credit, a reset): they follow at once.
            if (_control.Length > 0) bytes += _control.Take(into[bytes..]);
        }

        if (bytes > 0) return PullOutcome.Bytes;
        return _isClosing && _control.Length == 0 ? PullOutcome.End : PullOutcome.Empty;
    }

    /// <summary>A stream has something to send, or its end.</summary>
    internal void MarkReady(TunnelStream stream)
    {
        _ready.Add(stream);
        _connection.SourceReady();
    }

    internal void SendAcceptance(TunnelStream stream)
    {
        ConnectHeaders.WriteAccepted(_control, stream.Id, _peerMaxFrame);
        stream.IsOpen = true;
        MarkReady(stream);
    }

    internal void SendRefusal(TunnelStream stream, int status, string reason)
    {
        ConnectHeaders.WriteRefused(_control, stream.Id, _peerMaxFrame, status, reason);
        _connection.SourceReady();
    }

    internal void SendWindowUpdate(int streamId, int increment)
    {
        FrameWriter.WriteWindowUpdate(_control, streamId, increment);
        _connection.SourceReady();
    }

    private void SendPreface()
    {
        if (!IsServer) FrameWriter.WritePreface(_control);
        FrameWriter.WriteSettings(_control, new Http2Settings
        {
            EnablePush = false,
            MaxConcurrentStreams = (uint)Options.MaxConcurrentStreams,
            InitialWindowSize = Options.InitialStreamWindowBytes,
            MaxFrameSize = Options.MaxFrameBytes,
            MaxHeaderListSize = (uint)Options.MaxHeaderListBytes,
        });
        int credit = Options.ConnectionWindowBytes - Http2Settings.DefaultInitialWindowSize;
        if (credit > 0) FrameWriter.WriteWindowUpdate(_control, 0, credit);
        _connection.SourceReady();
    }

    private void SendRequest(TunnelStream stream, ConnectRequest request)
    {
        ConnectHeaders.WriteRequest(_control, stream.Id, _peerMaxFrame, request);
        _connection.SourceReady();
    }

    private void SendReset(int streamId, Http2ErrorCode code)
    {
        FrameWriter.WriteRstStream(_control, streamId, code);
        _connection.SourceReady();
    }

    private void SendPing(long nowTicks)
    {
        FrameWriter.WritePing(_control, (ulong)nowTicks, ack: false);
        _connection.SourceReady();
    }

    private void SendGoAway(Http2ErrorCode code, string reason)
    {
        if (_goAwaySent && code == Http2ErrorCode.NoError) return;
        _goAwaySent = true;
        FrameWriter.WriteGoAway(_control, _lastPeerStreamId, code, reason);
        _connection.SourceReady();
    }

    private int WriteTurn(TunnelStream stream, Span<byte> room, bool crowded)
    {
        // Alone, a stream may fill the frame; among others it has its quantum and goes to the end of the line.
        int share = crowded ? Math.Min(Options.QuantumBytes, _peerMaxFrame) : _peerMaxFrame;
        long limit = Math.Min(Math.Min(stream.SendWindow, _sendWindow), Math.Min(share, room.Length - FrameHeader.Size));
        // With a closed window only an end can be sent; the source is not asked, and the stream waits for credit.
        if (limit <= 0) return 0;
        switch (stream.Sender!.Pull(room.Slice(FrameHeader.Size, (int)limit), out int payload))
        {
            case PullOutcome.Bytes:
                FrameWriter.WriteDataHeader(room, stream.Id, payload, endStream: false);
                stream.SendWindow -= payload;
                _sendWindow -= payload;
                stream.CountSent(payload);
                _ready.Add(stream);
                return FrameHeader.Size + payload;
            case PullOutcome.End:
                FrameWriter.WriteDataHeader(room, stream.Id, 0, endStream: true);
                stream.OnEndSent();
                if (stream.IsDone) Forget(stream);
                return FrameHeader.Size;
            case PullOutcome.Empty:
            case PullOutcome.Broken: // its owner was told, and resets the stream
                return 0;
        }

        return 0;
    }

    // Over on the wire in both directions; the connection object lives on until its reader has everything.
    private void Forget(TunnelStream stream) => Remove(stream, Http2ErrorCode.NoError);

    private void OnStreamWindow(TunnelStream stream)
    {
        if (stream.SendWindow > 0 && stream.IsOpen && !stream.IsSendEnded) MarkReady(stream);
    }
}
