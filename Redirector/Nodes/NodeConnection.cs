using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Unix;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Loop;
using Google.Protobuf;

namespace Ambient.Redirector.Nodes;

/// <summary>
/// One NodeProxy, which is not trusted: what it sends may be anything. A connection at the socket's path is one process's; the inherited
/// channel outlives processes, each of which says Hello with a session of its own. Owned by the loop.
/// </summary>
internal sealed class NodeConnection : IDisposable
{
    /// <summary>Largest packet either way, in bytes.</summary>
    public const int MaxPacketBytes = 32 * 1024;

    // Fair turns: a NodeProxy that floods gets this many packets in before others are looked at again.
    private const int PacketsATurn = 32;

    private static readonly TimeSpan _retryDelay = TimeSpan.FromMilliseconds(5);

    private readonly EventLoop _loop;
    private readonly SeqPacketSocket _socket;
    private readonly LoopWatch _watch;
    private readonly SendQueue _queue;
    private readonly INodeReceiver _receiver;
    private readonly byte[] _buffer = new byte[MaxPacketBytes];
    private readonly List<Descriptor> _descriptors = [];
    private ByteString _session = ByteString.Empty;
    private bool _isEnded;
    private bool _isRetrying;

    /// <param name="socket">Becomes this object's.</param>
    /// <param name="isChannel">The inherited pair, which has no end while the parent lives.</param>
    public NodeConnection(EventLoop loop, SeqPacketSocket socket, bool isChannel, INodeReceiver receiver)
    {
        (_loop, _socket, IsChannel, _receiver) = (loop, socket, isChannel, receiver);
        _queue = new SendQueue(socket);
        socket.SetNonBlocking(true);
        _watch = loop.Watch(socket.Number, EpollEvents.In, OnReady);
    }

    /// <summary>The inherited pair.</summary>
    public bool IsChannel { get; }

    /// <summary>It said Hello and may be spoken to.</summary>
    public bool IsGreeted => !_session.IsEmpty;

    /// <summary>When it said Hello: the highest is the newest. 0 before.</summary>
    public long Seniority { get; private set; }

    /// <summary>Pods whose listeners it said it holds.</summary>
    public HashSet<string> Held { get; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Asks whoever reads the channel to say Hello: a RedirectorHello without a session. Its end is not seen by the other side, so a
    /// Redirector that takes the channel over makes itself known. At a socket a new connection says it all.
    /// </summary>
    public void AskForHello()
    {
        if (IsChannel && !_isEnded)
            _ = _queue.Send("", new ToNode { Hello = new RedirectorHello { ProtocolVersion = 1 } }.ToByteArray(), []);
    }

    /// <summary>Tells one that speaks another version which one is spoken here. No session begins, and one that there is goes on.</summary>
    public void Decline(ByteString session, uint version)
    {
        if (!_isEnded)
            _ = _queue.Send("", new ToNode { Session = session, Hello = new RedirectorHello { ProtocolVersion = version } }.ToByteArray(), []);
    }

    /// <summary>Begins a session: what was queued for an earlier one is dropped.</summary>
    public void Greet(NodeHello hello, long seniority)
    {
        _queue.Dispose();
        (_session, Seniority) = (hello.Session, seniority);
        Held.Clear();
        Held.UnionWith(hello.PodsHeld);
    }

    /// <summary>Sends a message; one that does not go out in time ends the connection (or the session, on the channel).</summary>
    /// <param name="uid">The pod that the descriptors belong to.</param>
    public void Send(ToNode message, string uid = "", params ReadOnlySpan<int> descriptors)
    {
        if (!IsGreeted || _isEnded)
            return;
        message.Session = _session;
        After(_queue.Send(uid, message.ToByteArray(), descriptors));
    }

    /// <summary>Drops queued descriptors of a pod that is gone.</summary>
    public void Forget(string uid)
    {
        _queue.Forget(uid);
        Held.Remove(uid);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _isEnded = true;
        _queue.Dispose();
        _watch.Dispose();
        _socket.Dispose();
    }

    private void OnReady(EpollEvents events)
    {
        if ((events & EpollEvents.In) != 0)
            Receive();
        else if ((events & (EpollEvents.HangUp | EpollEvents.Error)) != 0)
            End("the other side closed");
        if (!_isEnded && (events & EpollEvents.Out) != 0)
            After(_queue.Flush());
    }

    private void Receive()
    {
        for (int turn = 0; turn < PacketsATurn && !_isEnded; turn++)
        {
            var result = _socket.Receive(_buffer, _descriptors);
            try
            {
                if (result.WouldBlock)
                    return;
                if (result.IsPacket)
                    Take(result);
                else
                    End(result.IsEnd ? "the other side closed" : $"receive: {result.Error}");
            }
            finally
            {
                // Whoever keeps a descriptor took it out of the list.
                foreach (var left in _descriptors)
                    left.Dispose();
                _descriptors.Clear();
            }
        }
    }

    private void Take(SeqPacketReceive packet)
    {
        if (packet.Truncated)
        {
            _receiver.OnUnreadable(this, "a packet longer than 32 KiB or with too many descriptors");
            return;
        }
        ToRedirector message;
        try
        {
            message = ToRedirector.Parser.ParseFrom(_buffer, 0, packet.Bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            _receiver.OnUnreadable(this, "a packet that is no message");
            return;
        }
        _receiver.OnMessage(this, message, _descriptors);
    }

    private void After(SendOutcome outcome)
    {
        switch (outcome)
        {
            case SendOutcome.Sent:
                _watch.Change(EpollEvents.In);
                break;
            case SendOutcome.Queued:
                _watch.Change(EpollEvents.In | EpollEvents.Out);
                RetryLater();
                break;
            case SendOutcome.Broken when IsChannel:
                // Nobody reads, or the reader is stuck: the next Hello begins anew.
                _session = ByteString.Empty;
                _queue.Dispose();
                _watch.Change(EpollEvents.In);
                _receiver.OnSilent(this);
                break;
            case SendOutcome.Broken:
                End("it does not read what it is sent");
                break;
        }
    }

    // Writability does not tell when descriptors in flight fall below the limit again, so a timer looks as well.
    private void RetryLater()
    {
        if (_isRetrying)
            return;
        _isRetrying = true;
        _loop.After(_retryDelay, () =>
        {
            _isRetrying = false;
            if (!_isEnded && !_queue.IsEmpty)
                After(_queue.Flush());
        });
    }

    private void End(string reason)
    {
        if (_isEnded)
            return;
        Dispose();
        _receiver.OnEnd(this, reason);
    }
}
