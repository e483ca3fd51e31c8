using Ambient.Native.Events;
using Ambient.Native.Sockets;
using Ambient.Native.Tls;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// Mutual TLS 1.3 over a socket of its loop. As a <see cref="Connection"/> it carries plaintext; its owner checks the peer's
/// identity after the handshake, before it attaches a sender or a receiver.
/// </summary>
internal sealed class TlsConnection : Connection, IReadinessHandler, ILoopTurn
{
    private const int BatchesPerTurn = 4;

    private readonly int _fd;
    private readonly ulong _registration;
    private readonly Action<TlsConnection, bool> _handshakeDone;
    private readonly LoopTimer _handshakeDeadline;
    private ByteQueue _pendingCipher;   // encrypted, not yet taken by the socket
    private ByteQueue _unreadCipher;    // read from the socket, not yet taken by TLS
    private bool _isReadable = true;
    private bool _isWritable = true;
    private bool _isEstablished;
    private bool _isCloseQueued;
    private bool _peerClosed;
    private bool _socketEnded;

    private TlsConnection(EventLoop loop, int fd, TlsContext context, TlsTicket? ticket, Action<TlsConnection, bool> handshakeDone)
        : base(loop)
    {
        _fd = fd;
        _handshakeDone = handshakeDone;
        _handshakeDeadline = new LoopTimer(OnHandshakeTimeout);
        Session = new TlsSession(context, ticket);
        StartedTicks = loop.NowTicks;
        _registration = loop.Attach(fd, this, EpollEvents.In | EpollEvents.Out | EpollEvents.PeerClosed);
    }

    bool ILoopTurn.IsQueued { get; set; }

    /// <summary>The TLS session: peer certificate, ALPN, resumption, reason of a failure. Disposed with the connection.</summary>
    public TlsSession Session { get; }

    /// <summary>Client side: takes resumption tickets as they arrive; who takes one disposes it.</summary>
    public Action<TlsTicket>? TicketArrived { get; set; }

    /// <summary>When the handshake began, on the loop's clock.</summary>
    public long StartedTicks { get; }

    /// <summary>Why the handshake failed, for a person; null while it has not.</summary>
    public string? HandshakeFailure { get; private set; }

    /// <summary>Whether the failure was the peer's certificate, or that it showed none.</summary>
    public bool HandshakeRefusedPeer { get; private set; }

    /// <summary>Whether the failure was the deadline's.</summary>
    public bool HandshakeTimedOut { get; private set; }

    /// <summary>Starts a handshake.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="fd">Connected and non-blocking; taken over.</param>
    /// <param name="context">Client or server context.</param>
    /// <param name="ticket">To resume with; used up by this.</param>
    /// <param name="timeout">How long the handshake may take.</param>
    /// <param name="handshakeDone">Called once, later: true when established, false when it failed and the connection is closed.</param>
    public static TlsConnection Start(
        EventLoop loop, int fd, TlsContext context, TlsTicket? ticket, TimeSpan timeout, Action<TlsConnection, bool> handshakeDone)
    {
        SocketCalls.SetNoDelay(fd);
        SocketCalls.SetResetOnClose(fd, false); // an end without close_notify is known for what it is; an alert has to arrive
        var connection = new TlsConnection(loop, fd, context, ticket, handshakeDone);
        loop.Arm(connection._handshakeDeadline, timeout);
        loop.QueueFlush(connection);
        return connection;
    }

    /// <inheritdoc/>
    public override PullOutcome Pull(Span<byte> into, out int bytes)
    {
        bytes = 0;
        if (IsClosed) return PullOutcome.Broken;
        if (IsReceiveEnded) return PullOutcome.End;
        while (true)
        {
            // 1. What was read before goes first, then what the socket has.
            bool fromQueue = !_unreadCipher.IsEmpty;
            ReadOnlySpan<byte> cipher = fromQueue ? _unreadCipher.First : ReadCipher();
            if (IsClosed) return PullOutcome.Broken;

            // 2. Decrypt until the room is full or TLS wants more.
            var io = new TlsIo { Input = cipher, Output = Loop.Scratch.SendCipher };
            var step = TlsStep.Done;
            while (step == TlsStep.Done && bytes < into.Length)
            {
                step = Session.Read(ref io, into[bytes..], out int produced);
                bytes += produced;
            }

            // 3. Keep what TLS did not take, send what it had to say (key updates).
            if (fromQueue) SkipUnread(io.Consumed);
            else if (io.Consumed < cipher.Length) _unreadCipher.Append(Loop.Buffers, cipher[io.Consumed..]);
            if (io.Written > 0 && !Send(Loop.Scratch.SendCipher.AsSpan(0, io.Written)) && IsClosed) return PullOutcome.Broken;

            switch (step)
            {
                case TlsStep.PeerClosed:
                    if (bytes > 0) break; // End is answered the next time
                    IsReceiveEnded = true;
                    return PullOutcome.End;
                case TlsStep.Failed:
                    Break(ConnectionFault.ProtocolViolation);
                    return PullOutcome.Broken;
                case TlsStep.NeedInput:
                case TlsStep.NeedOutput:
                case TlsStep.Done:
                    break;
            }

            if (TicketArrived is not null) TakeTickets();
            if (bytes > 0)
            {
                BytesReceived += bytes;
                return PullOutcome.Bytes;
            }

            if (_unreadCipher.IsEmpty && !_isReadable)
            {
                if (!_socketEnded) return PullOutcome.Empty;
                Break(ConnectionFault.Truncated); // FIN without close_notify: RFC 8446, section 6.1
                return PullOutcome.Broken;
            }
        }
    }

    /// <inheritdoc/>
    public override void SourceReady()
    {
        if (!IsClosed) Loop.QueueFlush(this);
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        if ((events & ~EpollEvents.Out) != 0) _isReadable = true;
        if ((events & (EpollEvents.PeerClosed | EpollEvents.Error | EpollEvents.HangUp)) != 0) _peerClosed = true;
        if ((events & (EpollEvents.Out | EpollEvents.Error | EpollEvents.HangUp)) != 0)
        {
            _isWritable = true;
            Loop.QueueFlush(this);
        }

        if (!_isEstablished) Loop.QueueFlush(this);
        else Receiver?.SourceReady();
    }

    /// <inheritdoc/>
    public void RunTurn()
    {
        if (IsClosed) return;
        if (!_isEstablished)
        {
            StepHandshake();
            return;
        }

        if (!DrainPending()) return;
        for (int batch = 0; batch < BatchesPerTurn; batch++)
        {
            if (!_isWritable || Sender is null || _isCloseQueued) break;
            var outcome = Sender.Pull(Loop.Scratch.SendPlain, out int bytes);
            if (IsClosed) return;
            switch (outcome)
            {
                case PullOutcome.Bytes:
                    if (!Encrypt(Loop.Scratch.SendPlain.AsSpan(0, bytes))) return;
                    break;
                case PullOutcome.Empty:
                    return;
                case PullOutcome.End:
                    _isCloseQueued = true;
                    var io = new TlsIo { Output = Loop.Scratch.SendCipher };
                    Session.Close(ref io);
                    Send(Loop.Scratch.SendCipher.AsSpan(0, io.Written));
                    break;
                case PullOutcome.Broken:
                    Break(ConnectionFault.OtherSide);
                    return;
            }
        }

        if (IsClosed) return;
        if (_isCloseQueued && _pendingCipher.IsEmpty && !IsSendEnded)
        {
            SocketCalls.ShutdownWrite(_fd);
            EndSend();
        }
        else if (_isWritable && Sender is not null && !IsSendEnded)
        {
            Loop.QueueFlush(this);
        }
    }

    /// <inheritdoc/>
    public void Fail()
    {
        Abort(ConnectionFault.Internal);
        if (_isEstablished) Owner?.OnBroken(this);
        else _handshakeDone(this, false);
    }

    /// <inheritdoc/>
    protected override void Release(bool reset)
    {
        IsClosed = true;
        Loop.Timers.Cancel(_handshakeDeadline);
        _pendingCipher.Clear(Loop.Buffers);
        _unreadCipher.Clear(Loop.Buffers);
        Loop.Forget(_registration);
        Session.Dispose();
        if (reset) SocketCalls.CloseWithReset(_fd);
        else SocketCalls.Close(_fd);
    }

    private void StepHandshake()
    {
        if (!DrainPending()) return;
        while (!IsClosed)
        {
            bool fromQueue = !_unreadCipher.IsEmpty;
            ReadOnlySpan<byte> cipher = fromQueue ? _unreadCipher.First : ReadCipher();
            if (HandshakeFailure is not null) return;
            var io = new TlsIo { Input = cipher, Output = Loop.Scratch.SendCipher };
            var step = Session.Handshake(ref io);
            if (fromQueue) SkipUnread(io.Consumed);
            else if (io.Consumed < cipher.Length) _unreadCipher.Append(Loop.Buffers, cipher[io.Consumed..]);
            // An alert that explains a refusal leaves before the socket closes.
            if (io.Written > 0) Send(Loop.Scratch.SendCipher.AsSpan(0, io.Written));
            if (IsClosed) return;

            switch (step)
            {
                case TlsStep.Done:
                    _isEstablished = true;
                    Loop.Timers.Cancel(_handshakeDeadline);
                    _handshakeDone(this, true);
                    return;
                case TlsStep.Failed:
                case TlsStep.PeerClosed:
                    FailHandshake(Session.Failure ?? "the peer closed during the handshake");
                    return;
                case TlsStep.NeedInput when _unreadCipher.IsEmpty && !_isReadable:
                    if (_socketEnded) FailHandshake("the peer closed the connection during the handshake");
                    return;
                case TlsStep.NeedInput:
                case TlsStep.NeedOutput:
                    break;
            }
        }
    }

    private void OnHandshakeTimeout()
    {
        HandshakeTimedOut = true;
        FailHandshake("the handshake took too long");
    }

    private void FailHandshake(string reason)
    {
        if (IsClosed) return;
        HandshakeFailure = reason;
        HandshakeRefusedPeer = Session.IsPeerRefused;
        // Not a reset: it would overtake the alert in flight, and the peer would not learn the reason.
        SocketCalls.ShutdownWrite(_fd);
        IsReceiveEnded = IsSendEnded = true;
        Close();
        _handshakeDone(this, false);
    }

    private ReadOnlySpan<byte> ReadCipher()
    {
        // An event behind the end (the other half's) brings nothing more to read.
        if (_socketEnded) _isReadable = false;
        if (!_isReadable) return default;
        var room = Loop.Scratch.ReceiveCipher;
        var read = SocketCalls.Read(_fd, room);
        if (read.Bytes > 0)
        {
            // A short read has emptied the socket, unless the peer's end is behind it, as in SocketConnection.
            if (read.Bytes < room.Length && !_peerClosed) _isReadable = false;
            return room.AsSpan(0, read.Bytes);
        }

        _isReadable = false;
        if (read.WouldBlock) return default;
        if (read.IsEnd) _socketEnded = true;
        else if (_isEstablished) Break(ConnectionFaults.Of(read.Error));
        else FailHandshake($"the peer reset the connection during the handshake ({read.Error})");
        return default;
    }

    private void TakeTickets()
    {
        while (Session.TakeTicket() is { } ticket) TicketArrived!(ticket);
    }

    private void SkipUnread(int bytes)
    {
        if (bytes > 0) _unreadCipher.Skip(Loop.Buffers, bytes);
    }

    private bool Encrypt(ReadOnlySpan<byte> plain)
    {
        BytesSent += plain.Length;
        while (!plain.IsEmpty)
        {
            var io = new TlsIo { Output = Loop.Scratch.SendCipher };
            var step = Session.Write(ref io, plain, out int consumed);
            plain = plain[consumed..];
            if (step is TlsStep.Failed or TlsStep.PeerClosed || (consumed == 0 && io.Written == 0))
            {
                Break(ConnectionFault.ProtocolViolation);
                return false;
            }

            Send(Loop.Scratch.SendCipher.AsSpan(0, io.Written));
            if (IsClosed) return false;
        }

        return _isWritable;
    }

    // Everything is written or kept; false when the socket takes no more or broke.
    private bool Send(ReadOnlySpan<byte> cipher)
    {
        if (!_pendingCipher.IsEmpty || !_isWritable)
        {
            _pendingCipher.Append(Loop.Buffers, cipher);
            return false;
        }

        var written = SocketCalls.Write(_fd, cipher);
        if (!written.IsOk && !written.WouldBlock)
        {
            BreakWriting(written);
            return false;
        }

        int sent = written.IsOk ? written.Bytes : 0;
        if (sent == cipher.Length) return true;
        _isWritable = false;
        _pendingCipher.Append(Loop.Buffers, cipher[sent..]);
        return false;
    }

    private bool DrainPending()
    {
        while (!_pendingCipher.IsEmpty)
        {
            if (!_isWritable) return false;
            var written = SocketCalls.Write(_fd, _pendingCipher.First);
            if (!written.IsOk)
            {
                _isWritable = false;
                if (!written.WouldBlock) BreakWriting(written);
                return false;
            }

            _pendingCipher.Skip(Loop.Buffers, written.Bytes);
        }

        return true;
    }

    private void BreakWriting(IoResult written)
    {
        if (_isEstablished) Break(ConnectionFaults.Of(written.Error));
        else FailHandshake($"the peer reset the connection during the handshake ({written.Error})");
    }
}
