using System.Security.Cryptography;
using Ambient.Native.Descriptors;
using Ambient.Native.Events;
using Ambient.Native.Unix;
using Ambient.NodeProxy.Engine;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// The socket to Redirector, on the control loop: connects, says hello, frames messages and descriptors, connects again.
/// What the messages mean is <see cref="CaptureCoordinator"/>'s business.
/// </summary>
internal sealed class RedirectorChannel : IReadinessHandler, ILoopTurn
{
    private const uint ProtocolVersion = 1;
    private const int MaxPacketBytes = 32 * 1024;
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(50);

    private readonly EventLoop _loop;
    private readonly Func<SeqPacketSocket?> _connect;
    private readonly IRedirectorPeer _peer;
    private readonly ILogger _logger;
    private readonly LoopTimer _retry;
    private readonly LoopTimer _flushAgain;
    private readonly Queue<Packet> _unsent = new();
    private readonly byte[] _packet = new byte[MaxPacketBytes];
    private readonly List<Descriptor> _descriptors = [];
    private SeqPacketSocket? _socket;
    private ulong _registration;
    private ByteString _session = ByteString.Empty;
    private bool _isWritable;
    private bool _saidDown;

    /// <param name="loop">The control loop.</param>
    /// <param name="connect">Opens the socket, or answers null while there is none to be had.</param>
    /// <param name="peer">Takes the messages.</param>
    /// <param name="logger">Where reasons go.</param>
    public RedirectorChannel(EventLoop loop, Func<SeqPacketSocket?> connect, IRedirectorPeer peer, ILogger logger)
    {
        _loop = loop;
        _connect = connect;
        _peer = peer;
        _logger = logger;
        _retry = new LoopTimer(Connect);
        _flushAgain = new LoopTimer(() =>
        {
            _isWritable = true;
            Flush();
        });
    }

    bool ILoopTurn.IsQueued { get; set; }

    /// <summary>Hello was answered: messages reach Redirector.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>Starts, and keeps trying for good.</summary>
    public void Start() => Connect();

    /// <summary>Sends a message, in order. Dropped while there is no connection: hello brings both sides up to date.</summary>
    /// <param name="message">At most 32 KiB.</param>
    /// <param name="descriptors">Sent as copies; the caller keeps its own.</param>
    /// <param name="owned">Disposed once it is sent; for a memfd made for this message.</param>
    public void Send(ToRedirector message, int[]? descriptors = null, Descriptor? owned = null)
    {
        _loop.AssertCurrent();
        if (_socket is null)
        {
            owned?.Dispose();
            return;
        }

        _unsent.Enqueue(new Packet(message.ToByteArray(), descriptors ?? (owned is null ? [] : [owned.Number]), owned));
        Flush();
    }

    void IReadinessHandler.OnReady(EpollEvents events)
    {
        if ((events & EpollEvents.Out) != 0)
        {
            _isWritable = true;
            Flush();
        }

        if ((events & ~EpollEvents.Out) != 0) _loop.QueueReceive(this);
    }

    void ILoopTurn.RunTurn()
    {
        for (int n = 0; n < 64; n++)
        {
            if (_socket is null) return;
            _descriptors.Clear();
            var received = _socket.Receive(_packet, _descriptors);
            if (received.WouldBlock) return;
            if (received.IsEnd || received.Error != Errno.None)
            {
                Disconnect(received.IsEnd ? "it closed the connection" : received.Error.ToString());
                return;
            }

            Dispatch(_packet.AsSpan(0, received.Bytes), received.Truncated);
        }

        _loop.QueueReceive(this);
    }

    void ILoopTurn.Fail() => Disconnect("a bug of ours; see the log");

    private void Connect()
    {
        _socket = _connect();
        if (_socket is null)
        {
            if (!_saidDown) NodeLog.RedirectorAway(_logger);
            _saidDown = true;
            _loop.Arm(_retry, RetryAfter);
            return;
        }

        _socket.SetNonBlocking(true);
        _isWritable = true;
        _registration = _loop.Attach(_socket.Number, this, EpollEvents.In | EpollEvents.Out | EpollEvents.PeerClosed);
        SayHello();
        _loop.QueueReceive(this);
    }

    private void SayHello()
    {
        _session = ByteString.CopyFrom(RandomNumberGenerator.GetBytes(16));
        var hello = new NodeHello { ProtocolVersion = ProtocolVersion, Session = _session };
        hello.PodsHeld.AddRange(_peer.PodsHeld);
        Send(new ToRedirector { Hello = hello });
    }

    private void Dispatch(ReadOnlySpan<byte> packet, bool truncated)
    {
        ToNode? message = null;
        // Where the bytes did not fill the buffer only descriptors were cut: this process is out of them, and whoever waits must be told.
        if (!truncated || packet.Length < MaxPacketBytes)
        {
            try
            {
                message = ToNode.Parser.ParseFrom(packet);
            }
            catch (InvalidProtocolBufferException)
            {
                NodeLog.RedirectorMessageUnreadable(_logger, packet.Length);
            }
        }

        // Over an inherited pair nobody sees the other side's end: a new Redirector says so by a hello of no session.
        if (message is { BodyCase: ToNode.BodyOneofCase.Hello, Session.IsEmpty: true })
        {
            CloseDescriptors();
            IsConnected = false;
            _peer.OnDisconnected();
            SayHello();
            return;
        }

        // Over an inherited pair, messages to our predecessor may still be in the queue: their descriptors are closed here.
        if (message is null || message.Session != _session || (!IsConnected && message.BodyCase != ToNode.BodyOneofCase.Hello))
        {
            CloseDescriptors();
            return;
        }

        if (message.BodyCase == ToNode.BodyOneofCase.Hello)
        {
            // It answers nothing more. One that is rolled out in its place ends this connection, or says a hello of no session.
            if (message.Hello.ProtocolVersion != ProtocolVersion)
            {
                CloseDescriptors();
                NodeLog.RedirectorOfAnotherVersion(_logger, message.Hello.ProtocolVersion, ProtocolVersion);
                return;
            }

            IsConnected = true;
            _saidDown = false;
        }

        _peer.OnMessage(message, _descriptors);
        CloseDescriptors(); // what the peer took is detached; anything beyond is not wanted
    }

    private void CloseDescriptors()
    {
        foreach (var descriptor in _descriptors) descriptor.Dispose();
        _descriptors.Clear();
    }

    private void Flush()
    {
        while (_isWritable && _socket is not null && _unsent.TryPeek(out var packet))
        {
            if (_socket.TrySend(packet.Bytes, packet.Descriptors, out var error))
            {
                _unsent.Dequeue();
                packet.Owned?.Dispose();
                continue;
            }

            _isWritable = false;
            if (error is Errno.NoBufferSpace or Errno.TooManyReferences) _loop.Arm(_flushAgain, RetryAfter); // no event says when that is over
            else if (error != Errno.WouldBlock) Disconnect(error.ToString());
        }
    }

    private void Disconnect(string reason)
    {
        if (_socket is null) return;
        _loop.Detach(_socket.Number, _registration);
        _socket.Dispose();
        _socket = null;
        IsConnected = false;
        while (_unsent.TryDequeue(out var packet)) packet.Owned?.Dispose();
        NodeLog.RedirectorLost(_logger, reason);
        _peer.OnDisconnected();
        _loop.Arm(_retry, RetryAfter);
    }

    private readonly record struct Packet(byte[] Bytes, int[] Descriptors, Descriptor? Owned);
}
