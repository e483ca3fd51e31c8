using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;

namespace Ambient.NodeProxy.Engine;

/// <content>Bulk from socket to socket, without a copy into this process.</content>
internal sealed partial class SocketConnection
{
    // A read that filled the whole scratch says bulk; a move below this says that it is over.
    private const int LeastBulkBytes = 16 * 1024;

    // Begins with what the copying relay would hold of a stalled reader, grows while the target takes all, and ends where the rest
    // still fits in two large buffers of the pool.
    private const int FirstMoveBytes = LoopScratch.BatchBytes;
    private const int MaxMoveBytes = LoopScratch.BatchBytes / 2 * 3;

    private bool _isBulk;
    private int _moveBytes;

    private enum SpliceOutcome
    {
        /// <summary>Bytes have moved, and more may.</summary>
        Moved,

        /// <summary>Nothing more can be done in this turn.</summary>
        Stopped,

        /// <summary>No bulk: the source is to be pulled from, which also says why.</summary>
        NotBulk,
    }

    // What came by a pull decides how the next bytes come.
    private void NoteBulk(int pulledBytes)
    {
        _isBulk = pulledBytes == LoopScratch.BatchBytes && Loop.Pipe.IsAvailable;
        if (_isBulk) _moveBytes = FirstMoveBytes;
    }

    // Nothing is pending here and the socket takes bytes: RunTurn's own conditions.
    private SpliceOutcome SpliceFrom(SocketConnection source)
    {
        if (!source.MaySplice) return SpliceOutcome.NotBulk;
        var move = Loop.Pipe.Move(source._fd, _fd, _moveBytes, ref _pending, Loop.Scratch.SendPlain, Loop.Buffers);
        switch (move.Taken.Outcome)
        {
            case MoveOutcome.Moved:
                break;
            case MoveOutcome.WouldBlock:
                _isBulk = false;
                source._isReadable = false;
                return SpliceOutcome.Stopped;
            case MoveOutcome.PeerClosed:
                _isBulk = false;
                return SpliceOutcome.NotBulk; // a read finds the same end
            case MoveOutcome.Failed:
                // The error is told once only: it is noted before a read could take its absence for an end.
                _isBulk = false;
                source.NoteFault(ConnectionFaults.Of(move.Taken.Error));
                return SpliceOutcome.NotBulk;
        }

        source.BytesReceived += move.Taken.Bytes;
        BytesSent += move.GivenBytes;
        if (move.Taken.Bytes < LeastBulkBytes) _isBulk = false;
        if (move.TargetError == Errno.None)
        {
            _moveBytes = Math.Min(_moveBytes + FirstMoveBytes, MaxMoveBytes);
            return SpliceOutcome.Moved;
        }

        _isWritable = false;
        _moveBytes = FirstMoveBytes;
        if (move.TargetError != Errno.WouldBlock) NoteFault(ConnectionFaults.Of(move.TargetError));
        return SpliceOutcome.Stopped;
    }

    private bool MaySplice => !IsClosed && !IsReceiveEnded && _isReadable && _faultSeen == ConnectionFault.None;
}
