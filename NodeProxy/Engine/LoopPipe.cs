using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// The kernel pipe of a loop, through which bulk goes from socket to socket without a copy into this process. One serves all
/// connections, because <see cref="Move"/> leaves it empty: what the target does not take is read out again.
/// </summary>
/// <remarks>
/// A byte that stayed behind would reach another connection. So a pipe that is not known to be empty is thrown away, never used again.
/// Measured (docs/performance.md): bulk takes about half the processor time; below 16 KiB a move there is nothing to be won.
/// </remarks>
internal sealed class LoopPipe : IDisposable
{
    // Room for 256 runs of pages: a move ends at the first limit it meets, and packets of 1448 bytes take a run each. The kernel
    // grants an unprivileged user 64 MiB of pipes in all.
    private const int WantedBytes = 1024 * 1024;

    private KernelPipe? _pipe;
    private int _inPipeBytes;
    private bool _isUnavailable;

    /// <summary>It can be used: the machine has had a pipe for us so far.</summary>
    public bool IsAvailable => !_isUnavailable;

    /// <summary>Bytes that went through it.</summary>
    public long BytesMoved { get; private set; }

    /// <summary>Does without from now on.</summary>
    public void Forgo()
    {
        _isUnavailable = true;
        Discard();
    }

    /// <summary>Moves bytes from one socket to another.</summary>
    /// <param name="from">Non-blocking.</param>
    /// <param name="to">Non-blocking.</param>
    /// <param name="atMost">Upper bound, in bytes; also of what may end up in <paramref name="rest"/>.</param>
    /// <param name="rest">Gets what the target did not take; empty before.</param>
    /// <param name="scratch">Working memory for that.</param>
    /// <param name="buffers">Where <paramref name="rest"/> has its memory from.</param>
    public PipeMove Move(int from, int to, int atMost, ref ByteQueue rest, Span<byte> scratch, BufferPool buffers)
    {
        if (_inPipeBytes != 0) Discard(); // the move before did not get to its end
        if (_isUnavailable || (_pipe ??= Create()) is not { } pipe) return new PipeMove(new MoveResult(MoveOutcome.PeerClosed, 0, Errno.None), 0, Errno.None);
        var taken = SpliceCalls.Move(from, pipe.WriteEnd, atMost);
        if (taken.Outcome != MoveOutcome.Moved) return new PipeMove(taken, 0, Errno.None);
        BytesMoved += _inPipeBytes = taken.Bytes;
        while (_inPipeBytes > 0)
        {
            var step = SpliceCalls.Move(pipe.ReadEnd, to, _inPipeBytes);
            int given = taken.Bytes - _inPipeBytes + step.Bytes;
            switch (step.Outcome)
            {
                case MoveOutcome.Moved:
                    _inPipeBytes -= step.Bytes;
                    break;
                case MoveOutcome.WouldBlock:
                    Empty(pipe, ref rest, scratch, buffers);
                    return new PipeMove(taken, given, Errno.WouldBlock);
                case MoveOutcome.PeerClosed: // a pipe with bytes in it is not at its end: one that says so is broken
                case MoveOutcome.Failed:
                    Discard();
                    return new PipeMove(taken, given, step.Error == Errno.None ? Errno.BrokenPipe : step.Error);
            }
        }

        return new PipeMove(taken, taken.Bytes, Errno.None);
    }

    /// <inheritdoc/>
    public void Dispose() => _pipe?.Dispose();

    private void Empty(KernelPipe pipe, ref ByteQueue rest, Span<byte> scratch, BufferPool buffers)
    {
        while (_inPipeBytes > 0)
        {
            int read = pipe.Read(scratch[..Math.Min(_inPipeBytes, scratch.Length)]);
            if (read <= 0) throw new InvalidOperationException($"{_inPipeBytes} bytes cannot be read back from the loop's pipe");
            rest.Append(buffers, scratch[..read]);
            _inPipeBytes -= read;
        }
    }

    private void Discard()
    {
        _pipe?.Dispose();
        _pipe = null;
        _inPipeBytes = 0;
    }

    private KernelPipe? Create()
    {
        try
        {
            return KernelPipe.Create(WantedBytes);
        }
        catch (SystemCallException) // no descriptor left: bytes are copied, as they were before there was a pipe
        {
            Forgo();
            return null;
        }
    }
}

/// <summary>How a move through the loop's pipe ended.</summary>
/// <param name="Taken">What the source gave; its outcome is not <see cref="MoveOutcome.Moved"/> where nothing was taken.</param>
/// <param name="GivenBytes">How many of these the target took; the others are in the rest, or lost with a broken target.</param>
/// <param name="TargetError">What stopped the target: WouldBlock, or the error of a broken connection.</param>
internal readonly record struct PipeMove(MoveResult Taken, int GivenBytes, Errno TargetError);
