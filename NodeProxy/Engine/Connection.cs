namespace Ambient.NodeProxy.Engine;

/// <summary>
/// A byte stream with two halves that end on their own: a socket, a TLS session, a stream of a tunnel. It is a source (what
/// the peer sent) and a sink (what goes to the peer), and says so when a half ends or the whole breaks.
/// </summary>
/// <remarks>
/// <code>
///   receiving:  open --FIN--> ended                   Pull answers End once and for ever
///   sending:    open --Sender ends--> ended           after the last byte has left us
///   both:       --RST, error, Abort--> broken         Pull answers Broken; the peer sees a reset
/// </code>
/// FIN is FIN and RST is RST: no state turns one into the other.
/// </remarks>
internal abstract class Connection(EventLoop loop) : IByteSource, IByteSink
{
    /// <summary>The loop it lives on for good.</summary>
    public EventLoop Loop { get; } = loop;

    /// <summary>Told when there is something to pull from here.</summary>
    public IByteSink? Receiver { get; set; }

    /// <summary>Where the bytes that go to the peer are pulled from.</summary>
    public IByteSource? Sender { get; set; }

    /// <summary>Told when a half ends or the whole breaks.</summary>
    public IConnectionOwner? Owner { get; set; }

    /// <summary>Bytes the peer sent and somebody pulled.</summary>
    public long BytesReceived { get; protected set; }

    /// <summary>Bytes given to the peer's side.</summary>
    public long BytesSent { get; protected set; }

    /// <summary>The peer's half is at its end and was pulled to the end.</summary>
    public bool IsReceiveEnded { get; protected set; }

    /// <summary>Our half is at its end and wholly sent.</summary>
    public bool IsSendEnded { get; protected set; }

    /// <summary>Why it broke; <see cref="ConnectionFault.None"/> while it has not.</summary>
    public ConnectionFault Fault { get; private set; }

    /// <summary>Its descriptor or stream is given up: nothing happens here any more.</summary>
    public bool IsClosed { get; protected set; }

    /// <inheritdoc/>
    public abstract PullOutcome Pull(Span<byte> into, out int bytes);

    /// <inheritdoc/>
    public abstract void SourceReady();

    /// <inheritdoc/>
    public virtual int Push(ReadOnlySpan<byte> bytes) => 0;

    /// <summary>Ends it at once; the peer sees a reset. Harmless when it is closed.</summary>
    public void Abort(ConnectionFault fault)
    {
        if (IsClosed) return;
        if (Fault == ConnectionFault.None) Fault = fault;
        Release(reset: true);
    }

    /// <summary>Gives up what it holds. Only right after both halves ended; before that it is a reset.</summary>
    public void Close()
    {
        if (IsClosed) return;
        Release(reset: !(IsReceiveEnded && IsSendEnded));
    }

    /// <summary>Our half is sent and nothing more is wanted of the peer's: ends without a reset, which would overtake our last bytes.</summary>
    public void CloseAfterSending()
    {
        if (!IsClosed) Release(reset: false);
    }

    /// <summary>Gives up descriptor, buffers and timers. Sets <see cref="IsClosed"/>.</summary>
    protected abstract void Release(bool reset);

    /// <summary>The connection broke by itself: gives up what it holds and tells the owner.</summary>
    protected void Break(ConnectionFault fault)
    {
        if (IsClosed) return;
        Fault = fault;
        Release(reset: true);
        Owner?.OnBroken(this);
    }

    /// <summary>The last byte and the end of our half have left us.</summary>
    protected void EndSend()
    {
        IsSendEnded = true;
        Owner?.OnSendEnded(this);
    }
}
