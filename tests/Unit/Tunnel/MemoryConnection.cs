using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>
/// One end of a connection in memory: bytes cross in pieces of a chosen size, so that every boundary is met. A capacity gives
/// it the backpressure of a socket.
/// </summary>
internal sealed class MemoryConnection : Connection, ILoopTurn
{
    private readonly int _pieceBytes;
    private readonly int _capacityBytes;
    private readonly Queue<byte> _arrived = new();
    private readonly byte[] _room = new byte[64 * 1024];
    private MemoryConnection _peer = null!;
    private bool _peerEnded;
    private bool _senderEnded;

    private MemoryConnection(EventLoop loop, int pieceBytes, int capacityBytes) : base(loop)
    {
        _pieceBytes = pieceBytes;
        _capacityBytes = capacityBytes;
    }

    bool ILoopTurn.IsQueued { get; set; }

    /// <summary>Stops delivering, as a network that swallows everything would.</summary>
    public bool IsStalled { get; set; }

    public static (MemoryConnection Left, MemoryConnection Right) Pair(EventLoop loop, int pieceBytes = int.MaxValue, int capacityBytes = 256 * 1024)
    {
        var left = new MemoryConnection(loop, pieceBytes, capacityBytes);
        var right = new MemoryConnection(loop, pieceBytes, capacityBytes) { _peer = left };
        left._peer = right;
        return (left, right);
    }

    public override PullOutcome Pull(Span<byte> into, out int bytes)
    {
        bytes = 0;
        if (IsClosed) return PullOutcome.Broken;
        int piece = Math.Min(into.Length, _pieceBytes);
        while (bytes < piece && !IsStalled && _arrived.TryDequeue(out byte b)) into[bytes++] = b;
        if (bytes > 0)
        {
            BytesReceived += bytes;
            _peer.SourceReady();
            return PullOutcome.Bytes;
        }

        if (!_peerEnded) return PullOutcome.Empty;
        IsReceiveEnded = true;
        return PullOutcome.End;
    }

    public override void SourceReady()
    {
        if (!IsClosed) Loop.QueueSend(this);
    }

    public void RunTurn()
    {
        if (IsClosed || IsSendEnded) return;
        while (!_senderEnded && Sender is not null && _peer._arrived.Count < _capacityBytes)
        {
            var outcome = Sender.Pull(_room, out int bytes);
            if (IsClosed) return;
            if (outcome == PullOutcome.Bytes)
            {
                BytesSent += bytes;
                for (int i = 0; i < bytes; i++) _peer._arrived.Enqueue(_room[i]);
                _peer.Receiver?.SourceReady();
                continue;
            }

            _senderEnded = outcome == PullOutcome.End;
            break;
        }

        if (!_senderEnded) return;
        _peer._peerEnded = true;
        _peer.Receiver?.SourceReady();
        EndSend();
    }

    public void Fail() => Break(ConnectionFault.Internal);

    protected override void Release(bool reset)
    {
        IsClosed = true;
        if (_peer.IsClosed) return;
        if (reset) Loop.Post(() => _peer.Break(ConnectionFault.Reset));
        else _peer._peerEnded = true;
        _peer.Receiver?.SourceReady();
    }
}
