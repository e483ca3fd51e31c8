using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Sockets;

namespace Ambient.NodeProxy.Engine;

/// <summary>A connected TCP socket on its loop.</summary>
internal sealed partial class SocketConnection : Connection, IReadinessHandler, ILoopTurn
{
    // One turn moves at most four batches, then the other connections of the loop have theirs.
    private const int BatchesPerTurn = 4;

    // After a reset, what the peer sent before it is still passed on; a sink that does not take it by then learns of the reset.
    private static readonly TimeSpan DrainAfterReset = TimeSpan.FromSeconds(2);

    private readonly int _fd;
    private readonly ulong _registration;
    private LoopTimer? _resetDeadline;
    private ConnectionFault _faultSeen;
    private ByteQueue _pending;
    private bool _isReadable = true;
    private bool _isWritable = true;
    private bool _peerClosed;
    private bool _senderEnded;

    /// <summary>Takes over a connected, non-blocking descriptor.</summary>
    private SocketConnection(EventLoop loop, int fd) : base(loop)
    {
        _fd = fd;
        _registration = loop.Attach(fd, this, EpollEvents.In | EpollEvents.Out | EpollEvents.PeerClosed);
    }

    bool ILoopTurn.IsQueued { get; set; }

    /// <summary>Takes over a connected, non-blocking descriptor and answers for closing it.</summary>
    public static SocketConnection Adopt(EventLoop loop, int fd)
    {
        SocketCalls.SetNoDelay(fd);
        // If this process is killed the kernel closes for it: a connection that was cut must not look like one that has ended.
        SocketCalls.SetResetOnClose(fd, true);
        return new SocketConnection(loop, fd);
    }

    /// <summary>
    /// The same for one that has only just been connected: what its peer sends is pulled when the loop hears of it, and not looked for
    /// at once, which would nearly always be in vain.
    /// </summary>
    public static SocketConnection AdoptConnected(EventLoop loop, int fd)
    {
        var connection = Adopt(loop, fd);
        connection._isReadable = false;
        return connection;
    }

    /// <inheritdoc/>
    public override PullOutcome Pull(Span<byte> into, out int bytes)
    {
        bytes = 0;
        if (IsClosed) return PullOutcome.Broken;
        if (IsReceiveEnded) return PullOutcome.End;
        if (!_isReadable) return PullOutcome.Empty;
        var read = SocketCalls.Read(_fd, into);
        if (read.Bytes > 0)
        {
            bytes = read.Bytes;
            BytesReceived += bytes;
            // A short read has emptied the socket (epoll(7), Q9), unless the peer's end is behind it: one call saved a request.
            if (bytes < into.Length && !_peerClosed) _isReadable = false;
            return PullOutcome.Bytes;
        }

        if (read.IsEnd && _faultSeen == ConnectionFault.None)
        {
            IsReceiveEnded = true;
            return PullOutcome.End;
        }

        if (read.WouldBlock)
        {
            _isReadable = false;
            return PullOutcome.Empty;
        }

        Break(_faultSeen != ConnectionFault.None ? _faultSeen : ConnectionFaults.Of(read.Error));
        return PullOutcome.Broken;
    }

    /// <summary>Looks at what the peer sent and leaves it for <see cref="Pull"/>. A reset is noticed here at once.</summary>
    /// <param name="into">Room for at least one byte.</param>
    /// <param name="bytes">How many bytes were copied, from the next one that a pull would give; 0 unless the outcome is Bytes.</param>
    /// <param name="isAll">The peer's end is behind these bytes: more will not come.</param>
    public PullOutcome Peek(Span<byte> into, out int bytes, out bool isAll)
    {
        bytes = 0;
        isAll = false;
        if (IsClosed) return PullOutcome.Broken;
        if (_faultSeen != ConnectionFault.None)
        {
            Break(_faultSeen);
            return PullOutcome.Broken;
        }

        var seen = IsReceiveEnded ? default : SocketCalls.Peek(_fd, into);
        if (seen.Bytes > 0)
        {
            bytes = seen.Bytes;
            isAll = _peerClosed && bytes < into.Length;
            return PullOutcome.Bytes;
        }

        if (IsReceiveEnded || seen.IsEnd)
        {
            isAll = true;
            return PullOutcome.End;
        }

        if (seen.WouldBlock) return PullOutcome.Empty;
        Break(ConnectionFaults.Of(seen.Error));
        return PullOutcome.Broken;
    }

    /// <summary>Gives the descriptor up as it is, with what waits in it. The connection is closed for everybody; its owner hears nothing.</summary>
    /// <returns>The descriptor, now the caller's.</returns>
    public int Detach()
    {
        if (IsClosed) throw new InvalidOperationException("a closed connection has no descriptor");
        IsClosed = true;
        _pending.Clear(Loop.Buffers);
        if (_resetDeadline is not null) Loop.Timers.Cancel(_resetDeadline);
        Loop.Detach(_fd, _registration);
        return _fd;
    }

    /// <inheritdoc/>
    public override void SourceReady()
    {
        if (!IsClosed) Loop.QueueSend(this);
    }

    /// <inheritdoc/>
    public override int Push(ReadOnlySpan<byte> bytes)
    {
        if (IsClosed || IsSendEnded || _faultSeen != ConnectionFault.None || !_isWritable || !_pending.IsEmpty || bytes.IsEmpty) return 0;
        var written = SocketCalls.Write(_fd, bytes);
        if (written.IsOk)
        {
            if (written.Bytes < bytes.Length) _isWritable = false;
            BytesSent += written.Bytes;
            return written.Bytes;
        }

        _isWritable = false;
        if (!written.WouldBlock) NoteFault(ConnectionFaults.Of(written.Error));
        return 0;
    }

    /// <inheritdoc/>
    public void OnReady(EpollEvents events)
    {
        if ((events & (EpollEvents.PeerClosed | EpollEvents.HangUp | EpollEvents.Error)) != 0)
        {
            _peerClosed = true;
            _isReadable = true;
            _isWritable = true;
        }

        if ((events & EpollEvents.Error) != 0) OnError();
        if (IsClosed) return;
        if ((events & EpollEvents.In) != 0) _isReadable = true;
        if (_isReadable) Receiver?.SourceReady();
        if ((events & EpollEvents.Out) != 0)
        {
            _isWritable = true;
            Loop.QueueSend(this);
        }
    }

    /// <inheritdoc/>
    public void RunTurn()
    {
        if (IsClosed || IsSendEnded || _faultSeen != ConnectionFault.None) return;
        if (!DrainPending()) return;
        for (int batch = 0; batch < BatchesPerTurn; batch++)
        {
            if (!_isWritable || Sender is null || _senderEnded) break;
            if (_isBulk && Sender is SocketConnection source)
            {
                var moved = SpliceFrom(source);
                if (moved == SpliceOutcome.Stopped) return;
                if (moved == SpliceOutcome.Moved)
                {
                    batch++; // a move is worth more than a batch
                    continue;
                }
            }

            var outcome = Sender.Pull(Loop.Scratch.SendPlain, out int bytes);
            switch (outcome)
            {
                case PullOutcome.Bytes:
                    NoteBulk(bytes);
                    if (!Send(Loop.Scratch.SendPlain.AsSpan(0, bytes))) return;
                    break;
                case PullOutcome.Empty:
                    return;
                case PullOutcome.End:
                    _senderEnded = true;
                    break;
                case PullOutcome.Broken:
                    return; // the source's owner was told and decides
            }

            if (IsClosed) return; // pulling can end us: both are ends of one relay
        }

        if (_senderEnded && _pending.IsEmpty)
        {
            SocketCalls.ShutdownWrite(_fd);
            EndSend();
        }
        else if (_isWritable && Sender is not null)
        {
            Loop.QueueSend(this);
        }
    }

    /// <inheritdoc/>
    public void Fail()
    {
        Abort(ConnectionFault.Internal);
        Owner?.OnBroken(this);
    }

    /// <inheritdoc/>
    protected override void Release(bool reset)
    {
        IsClosed = true;
        _pending.Clear(Loop.Buffers);
        if (_resetDeadline is not null) Loop.Timers.Cancel(_resetDeadline);
        Loop.Forget(_registration);
        if (!reset) SocketCalls.SetResetOnClose(_fd, false);
        SocketCalls.Close(_fd);
    }

    private void OnError()
    {
        var error = SocketCalls.TakeError(_fd);
        if (error != Errno.None) NoteFault(ConnectionFaults.Of(error));
    }

    // The call that met the error took it out of the kernel: from here on a read says "end" where there was a reset, so it is kept
    // here. Bytes that came before the reset are still passed on, as the kernel would: a server that answers and closes with unread
    // input sends both. But a side that takes nothing must not keep a dead connection alive. Never breaks in place, so that a parser
    // in the middle of its bytes may write here.
    private void NoteFault(ConnectionFault fault)
    {
        if (_faultSeen != ConnectionFault.None) return;
        _faultSeen = fault;
        _isReadable = _peerClosed = true;
        _resetDeadline = new LoopTimer(() => Break(_faultSeen));
        Loop.Arm(_resetDeadline, Receiver is null || IsReceiveEnded ? TimeSpan.Zero : DrainAfterReset);
        Receiver?.SourceReady();
    }

    private bool DrainPending()
    {
        while (!_pending.IsEmpty)
        {
            if (!_isWritable) return false;
            var written = SocketCalls.Write(_fd, _pending.First);
            if (!written.IsOk)
            {
                OnWriteFailed(written);
                return false;
            }

            BytesSent += written.Bytes;
            _pending.Skip(Loop.Buffers, written.Bytes);
        }

        return true;
    }

    // Everything is either written or kept; false when the socket takes no more or broke.
    private bool Send(ReadOnlySpan<byte> bytes)
    {
        var written = SocketCalls.Write(_fd, bytes);
        if (!written.IsOk && !written.WouldBlock)
        {
            OnWriteFailed(written);
            return false;
        }

        int sent = written.IsOk ? written.Bytes : 0;
        BytesSent += sent;
        if (sent == bytes.Length) return true;
        _isWritable = false;
        _pending.Append(Loop.Buffers, bytes[sent..]);
        return false;
    }

    private void OnWriteFailed(IoResult written)
    {
        _isWritable = false;
        if (!written.WouldBlock) NoteFault(ConnectionFaults.Of(written.Error));
    }
}
