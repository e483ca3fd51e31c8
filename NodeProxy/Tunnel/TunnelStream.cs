using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// One app connection on a link: a CONNECT stream whose DATA frames are the app's bytes. Idle it holds no buffer.
/// </summary>
/// <remarks>
/// <code>
///   client: opening --200--> open        FIN        &lt;-> END_STREAM
///   server: opening --answer--> open     RST, break &lt;-> RST_STREAM with CONNECT_ERROR (RFC 9113, section 8.5)
/// </code>
/// </remarks>
internal sealed class TunnelStream : Connection
{
    private readonly Link _link;
    private ByteQueue _received;
    private ReceiveWindow _window;
    private int _frameOwed;
    private bool _endReceived;
    private bool _resetReceived;
    private bool _owesBudget;

    internal TunnelStream(Link link, int id, IStreamOpener? opener) : base(link.Loop)
    {
        _link = link;
        Id = id;
        Opener = opener;
        SendWindow = link.PeerInitialWindow;
        _window = new ReceiveWindow(link.InitialWindowOfNewStream);
    }

    /// <summary>Its number on the link; odd, since only clients open streams.</summary>
    public int Id { get; }

    /// <summary>The link it runs on.</summary>
    public Link Link => _link;

    /// <summary>Free for who opened it.</summary>
    public object? State { get; set; }

    /// <summary>Who waits for the answer; null on the server's side and after the answer.</summary>
    internal IStreamOpener? Opener { get; set; }

    /// <summary>What the peer lets us send. Negative after the peer lowered its initial window (RFC 9113, section 6.9.2).</summary>
    internal long SendWindow { get; set; }

    /// <summary>The scheduler's next; owned by it.</summary>
    internal TunnelStream? NextReady { get; set; }

    /// <summary>Whether it stands in the scheduler; owned by it.</summary>
    internal bool IsReady { get; set; }

    /// <summary>What a reset of this stream says: CONNECT_ERROR, because ztunnel reads CANCEL and NO_ERROR as a clean end.</summary>
    internal Http2ErrorCode ResetCode { get; set; } = Http2ErrorCode.ConnectError;

    /// <summary>A writer may pull from here: the CONNECT was answered.</summary>
    internal bool IsOpen { get; set; }

    /// <summary>Over on the wire: nothing needs to be said about it any more.</summary>
    internal bool IsDone => _resetReceived || (_endReceived && IsSendEnded);

    /// <summary>The peer has ended its half: nothing may follow on it.</summary>
    internal bool IsEndReceived => _endReceived;

    /// <summary>It left the link with bytes that its reader has not taken: its window stays on the pod's account until then.</summary>
    internal bool OwesBudgetUntilRead
    {
        get
        {
            _owesBudget = !IsClosed && !_received.IsEmpty;
            return _owesBudget;
        }
    }

    /// <summary>Windows granted to the peer, for the pod's budget.</summary>
    internal int GrantedBytes => _window.TargetBytes;

    /// <inheritdoc/>
    public override PullOutcome Pull(Span<byte> into, out int bytes)
    {
        bytes = 0;
        if (IsClosed) return PullOutcome.Broken;
        if (!_received.IsEmpty)
        {
            bytes = _received.Take(Loop.Buffers, into);
            BytesReceived += bytes;
            Deliver(bytes);
            if (_received.IsEmpty) SettleBudget();
            return PullOutcome.Bytes;
        }

        if (!_endReceived) return PullOutcome.Empty;
        IsReceiveEnded = true;
        return PullOutcome.End;
    }

    /// <inheritdoc/>
    public override void SourceReady()
    {
        if (!IsClosed && IsOpen && !IsSendEnded) _link.MarkReady(this);
    }

    /// <summary>Server side: accepts, then bytes may flow.</summary>
    public void Accept() => _link.SendAcceptance(this);

    /// <summary>Server side: answers no, and ends the stream.</summary>
    public void Refuse(int status, string reason)
    {
        if (IsClosed) return;
        _link.SendRefusal(this, status, reason);
        IsReceiveEnded = IsSendEnded = true;
        Close();
    }

    /// <summary>DATA arrived. False when the peer overran its window: RFC 9113, section 6.9.1.</summary>
    internal bool OnData(ReadOnlySpan<byte> chunk, int flowControlled)
    {
        if (flowControlled > 0)
        {
            // What is left of the frame before was padding: delivered by nature.
            int padding = _frameOwed;
            _frameOwed = flowControlled;
            if (!_window.TryConsume(flowControlled)) return false;
            if (padding > 0) Deliver(padding);
        }

        _frameOwed -= chunk.Length;
        if (IsClosed || chunk.IsEmpty) return true;
        int pushed = 0;
        if (_received.IsEmpty && Receiver is not null)
        {
            pushed = Receiver.Push(chunk);
            if (pushed > 0)
            {
                BytesReceived += pushed;
                Deliver(pushed);
            }
        }

        if (pushed < chunk.Length && !IsClosed)
        {
            _received.Append(Loop.Buffers, chunk[pushed..]);
            Receiver?.SourceReady();
        }

        return true;
    }

    /// <summary>END_STREAM arrived.</summary>
    internal void OnEnd()
    {
        _endReceived = true;
        Receiver?.SourceReady();
    }

    /// <summary>Our END_STREAM was written.</summary>
    internal void OnEndSent() => EndSend();

    /// <summary>The peer has acknowledged another initial window.</summary>
    internal int ChangeInitialWindow(int bytes) => _window.ChangeInitial(bytes);

    /// <summary>Announces what was delivered, if it is worth a frame.</summary>
    internal void Credit() => Deliver(0);

    /// <summary>DATA with this many bytes was written.</summary>
    internal void CountSent(int bytes) => BytesSent += bytes;

    /// <summary>RST_STREAM arrived: it is not answered with another.</summary>
    internal void OnResetReceived() => _resetReceived = true;

    /// <summary>RST_STREAM arrived, or the link is lost.</summary>
    internal void OnLost(ConnectionFault fault, bool isUnprocessed)
    {
        if (IsClosed) return;
        var opener = Opener;
        Opener = null;
        if (opener is null)
        {
            Break(fault);
            return;
        }

        Abort(fault);
        opener.OnOpenFailed(this, isUnprocessed);
    }

    /// <inheritdoc/>
    protected override void Release(bool reset)
    {
        IsClosed = true;
        Opener = null;
        _received.Clear(Loop.Buffers);
        SettleBudget();
        _link.Remove(this, reset ? ResetCode : Http2ErrorCode.NoError);
    }

    private void SettleBudget()
    {
        if (!_owesBudget) return;
        _owesBudget = false;
        _link.ReturnBudget(this);
    }

    private void Deliver(int bytes)
    {
        if (_endReceived) return; // no credit for a half that is over
        int increment = _window.Deliver(bytes, _received.IsEmpty, _link.Options.MaxStreamWindowBytes, _link.Budget);
        if (increment > 0) _link.SendWindowUpdate(Id, increment);
    }
}
