using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Sessions;

/// <summary>
/// One connection that is being carried: the relay, whose sockets it uses, and what is counted of it. It ends when both
/// directions have ended, when a side breaks, when a pod is cut, or when a new view denies what an older one let in.
/// </summary>
internal sealed class Session : IRelayOwner, IPodUser
{
    private readonly SessionBook _book;
    private readonly EdgeMetrics _edge;
    private readonly PodOnLoop _pod;
    private readonly PodOnLoop? _otherPod;
    private readonly Action? _ended;
    private readonly long _startedTicks;
    private Relay? _relay;
    private long _countedSent;
    private long _countedReceived;

    private Session(SessionBook book, SessionFacts facts, EdgeMetrics edge, PodOnLoop pod, PodOnLoop? otherPod, Action? ended)
    {
        _book = book;
        _edge = edge;
        _pod = pod;
        _otherPod = otherPod;
        _ended = ended;
        Facts = facts;
        _startedTicks = pod.Loop.NowTicks;
    }

    /// <inheritdoc/>
    public int Descriptors { get; private set; }

    /// <summary>What a display says of it.</summary>
    public SessionFacts Facts { get; }

    /// <summary>Its place in the book; owned by it.</summary>
    internal int Index { get; set; }

    /// <summary>Its place among those that the guard watches; owned by it.</summary>
    internal int GuardIndex { get; set; }

    /// <summary>Joins two connections and takes them over.</summary>
    /// <param name="book">Of the loop.</param>
    /// <param name="facts">For displays.</param>
    /// <param name="edge">Where it counts.</param>
    /// <param name="pod">Whose sockets it uses.</param>
    /// <param name="otherPod">The second pod of a connection within the node.</param>
    /// <param name="downstream">The side that asked.</param>
    /// <param name="upstream">The side that was opened.</param>
    /// <param name="ended">Called once at the end.</param>
    /// <returns>The session; it lives on its own.</returns>
    public static Session Start(
        SessionBook book, SessionFacts facts, EdgeMetrics edge, PodOnLoop pod, PodOnLoop? otherPod,
        Connection downstream, Connection upstream, Action? ended = null)
    {
        var session = new Session(book, facts, edge, pod, otherPod, ended);
        session.Descriptors = (downstream is SocketConnection ? 1 : 0) + (upstream is SocketConnection ? 1 : 0);
        pod.Add(session, PodUse.Open);
        if (otherPod != pod) otherPod?.Add(session, PodUse.Guest); // a pod that calls itself is one pod
        book.Add(session);
        if (facts.Admitted is { } admitted) book.Guard.Watch(session, admitted);
        edge.Opened();
        session._relay = Relay.Start(downstream, upstream, session);
        return session;
    }

    /// <inheritdoc/>
    public void Cut(string reason) => _relay!.Abort(ConnectionFault.Ended);

    /// <summary>Brings the counters up to now, so that a connection of hours shows before its end.</summary>
    internal void Count()
    {
        long sent = _relay!.Downstream.BytesReceived;
        long received = _relay.Upstream.BytesReceived;
        if (sent != _countedSent) _edge.Sent(sent - _countedSent);
        if (received != _countedReceived) _edge.Received(received - _countedReceived);
        _countedSent = sent;
        _countedReceived = received;
    }

    /// <summary>How it stands, for a display.</summary>
    internal SessionStanding Standing(long nowTicks) => new(
        Facts, TimeSpan.FromTicks(nowTicks - _startedTicks), _relay!.Downstream.BytesReceived, _relay.Upstream.BytesReceived);

    void IRelayOwner.OnRelayEnded(Relay relay, Connection? broken)
    {
        _relay = relay;
        Count();
        _edge.Closed(TimeSpan.FromTicks(_pod.Loop.NowTicks - _startedTicks).TotalSeconds);
        _pod.Remove(this);
        _otherPod?.Remove(this);
        _book.Remove(this);
        if (Facts.Admitted is { } admitted) _book.Guard.Forget(this, admitted);
        _ended?.Invoke();
    }
}
