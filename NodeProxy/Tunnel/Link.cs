using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// One HTTP/2 connection between two pods, and the streams on it. It sits on any <see cref="Connection"/>: TLS over a socket in
/// the product, memory in tests. It is that connection's sink (it parses) and its source (it writes frames when asked).
/// </summary>
/// <remarks>
/// <code>
///   open --GOAWAY either way, idle, no stream ids left--> draining --last stream ends--> closing --END sent--> closed
///   any  --lost, protocol error-->  closed, every stream broken
/// </code>
/// Reading is in Link.Receiving.cs, writing in Link.Sending.cs. Source: RFC 9113.
/// </remarks>
internal sealed partial class Link : IConnectionOwner, ILoopTurn
{
    /// <summary>Why a link is drained whose peer's certificate has ended.</summary>
    public const string OutdatedReason = "the peer's certificate has ended";

    private readonly Connection _connection;
    private readonly ILinkOwner _owner;
    private readonly Dictionary<int, TunnelStream> _streams = [];
    private readonly LoopTimer _tick;
    private int _nextStreamId = 1;
    private int _lastPeerStreamId;
    private long _idleSinceTicks;
    private bool _goAwaySent;
    private bool _isClosing;
    private string _endReason = "closed";

    private Link(Connection connection, bool isServer, ILinkOwner owner, LinkOptions options, WindowBudget budget)
    {
        _connection = connection;
        _owner = owner;
        IsServer = isServer;
        Options = options;
        Budget = budget;
        _parser = NewParser(isServer, options);
        _control = new ControlQueue(connection.Loop.Buffers);
        _decoderWindow = options.ConnectionWindowBytes;
        _initialWindowSent = _initialWindowAcked = options.InitialStreamWindowBytes;
        _idleSinceTicks = _lastReceivedTicks = connection.Loop.NowTicks;
        _tick = new LoopTimer(OnTick);
    }

    /// <summary>The loop of the link and of everything on it.</summary>
    public EventLoop Loop => _connection.Loop;

    /// <summary>Whether we accepted it.</summary>
    public bool IsServer { get; }

    /// <summary>Free for who holds the link.</summary>
    public object? State { get; set; }

    /// <summary>It takes streams, and closes as soon as none is left: what it leads to is about to go.</summary>
    public bool ClosesWhenUnused { get; set; }

    /// <summary>Streams open now.</summary>
    public int StreamCount => _streams.Count;

    /// <summary>No new stream may start here.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>It is over.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>The peer broke the rules, which is why the link ends.</summary>
    public bool IsViolated { get; private set; }

    /// <summary>
    /// When the peer's certificate ends, on the loop's clock: no stream starts here from then on. Those that are open go on, as long as
    /// their apps want: their peer was who it said when they began, and a connection's length is no business of a certificate's.
    /// </summary>
    public long EndsTicks { get; set; } = long.MaxValue;

    /// <summary>The peer's certificate has ended.</summary>
    public bool IsOutdated => Loop.NowTicks >= EndsTicks;

    /// <summary>Whether a new stream may start now.</summary>
    public bool HasCapacity => !IsOutdated && !IsDraining && !IsClosed && !Budget.IsExhausted && _streams.Count < Math.Min(_peerMaxStreams, Options.MaxConcurrentStreams);

    internal LinkOptions Options { get; }

    internal WindowBudget Budget { get; }

    bool ILoopTurn.IsQueued { get; set; }

    /// <summary>Starts a link on an established connection whose peer was verified.</summary>
    /// <param name="connection">Carries the frames; the link owns it from here on.</param>
    /// <param name="isServer">Whether the peer opened it.</param>
    /// <param name="owner">Told of requests and ends.</param>
    /// <param name="options">Limits.</param>
    /// <param name="budget">Of the pod on this node whose streams these are.</param>
    public static Link Start(Connection connection, bool isServer, ILinkOwner owner, LinkOptions options, WindowBudget budget)
    {
        var link = new Link(connection, isServer, owner, options, budget);
        connection.Owner = link;
        connection.Sender = link;
        connection.Receiver = link;
        link.SendPreface();
        connection.Loop.Arm(link._tick, options.PingAfter);
        connection.Loop.QueueReceive(link);
        return link;
    }

    /// <summary>Asks the other side for a stream. Only while <see cref="HasCapacity"/>.</summary>
    public TunnelStream Open(ConnectRequest request, IStreamOpener opener)
    {
        var stream = new TunnelStream(this, _nextStreamId, opener);
        _nextStreamId += 2;
        Register(stream);
        SendRequest(stream, request);
        if (_nextStreamId > MaxStreamId) Drain("stream numbers are used up");
        return stream;
    }

    /// <summary>No new streams from now on; those open go on, then the link closes.</summary>
    public void Drain(string reason)
    {
        if (IsClosed || IsDraining) return;
        IsDraining = true;
        _endReason = reason;
        if (IsServer) SendGoAway(Http2ErrorCode.NoError, reason);
        _owner.OnDraining(this);
        CloseWhenEmpty();
    }

    /// <summary>Ends the link and every stream on it at once.</summary>
    public void Abort(ConnectionFault fault, string reason)
    {
        if (IsClosed) return;
        _connection.Abort(fault);
        End(fault, reason);
    }

    /// <summary>A stream is over on our side.</summary>
    internal void Remove(TunnelStream stream, Http2ErrorCode code)
    {
        if (!_streams.Remove(stream.Id, out _)) return;
        // What a reader has not taken yet is still held, whatever the wire says.
        if (!stream.OwesBudgetUntilRead) ReturnBudget(stream);
        if (IsClosed) return;
        if (!stream.IsDone) SendReset(stream.Id, code);
        _idleSinceTicks = Loop.NowTicks;
        if (IsDraining) CloseWhenEmpty();
        else if (ClosesWhenUnused && _streams.Count == 0) Drain("unused");
        else _owner.OnCapacity(this);
    }

    /// <summary>The stream is over, and nothing of it is held any more.</summary>
    internal void ReturnBudget(TunnelStream stream)
    {
        Budget.End(stream.GrantedBytes);
        ReviewInitialWindow();
    }

    void IConnectionOwner.OnSendEnded(Connection connection)
    {
        _connection.CloseAfterSending();
        End(ConnectionFault.Ended, _endReason);
    }

    void IConnectionOwner.OnBroken(Connection connection)
    {
        IsViolated |= connection.Fault == ConnectionFault.ProtocolViolation; // TLS itself
        End(connection.Fault, _isClosing ? _endReason : $"the link broke: {connection.Fault}");
    }

    void ILoopTurn.Fail() => Abort(ConnectionFault.Internal, "a bug of ours; see the log");

    private void Register(TunnelStream stream)
    {
        Budget.Start(stream.GrantedBytes);
        _streams.Add(stream.Id, stream);
        ReviewInitialWindow();
    }

    private void CloseWhenEmpty()
    {
        if (_streams.Count > 0 || IsClosed) return;
        _isClosing = true;
        _connection.SourceReady();
    }

    private void End(ConnectionFault fault, string reason)
    {
        if (IsClosed) return;
        IsClosed = IsDraining = true;
        Loop.Timers.Cancel(_tick);
        _control.Clear();
        foreach (var stream in _streams.Values.ToArray())
        {
            bool isUnprocessed = !IsServer && stream.Id > _peerLastProcessed;
            stream.OnLost(fault == ConnectionFault.None ? ConnectionFault.Truncated : fault, isUnprocessed);
        }

        _owner.OnEnded(this, reason);
    }

    private void OnTick()
    {
        if (IsClosed) return;
        if (_isClosing)
        {
            Abort(ConnectionFault.TimedOut, _endReason); // the peer does not take our last words
            return;
        }

        if (!_hasPeerSettings)
        {
            IsViolated = true;
            Abort(ConnectionFault.ProtocolViolation, "the peer proved itself and then sent no SETTINGS");
            return;
        }

        if (IsOutdated)
        {
            Drain(OutdatedReason);
            if (IsClosed) return;
        }

        long now = Loop.NowTicks;
        long silence = now - _lastReceivedTicks;
        if (silence >= Options.DeadAfter.Ticks && _streams.Count > 0)
        {
            Abort(ConnectionFault.TimedOut, $"no answer for {Options.DeadAfter.TotalSeconds:0} s");
            return;
        }

        // Clients close first; the longer time is for those that vanished without a word.
        if (_streams.Count == 0 && now - _idleSinceTicks >= (IsServer ? 2 : 1) * Options.IdleAfter.Ticks)
        {
            Drain("unused");
            if (IsClosed) return;
        }
        else if (_streams.Count > 0 && silence >= Options.PingAfter.Ticks)
        {
            SendPing(now);
        }

        Loop.Arm(_tick, Options.PingAfter);
    }
}
