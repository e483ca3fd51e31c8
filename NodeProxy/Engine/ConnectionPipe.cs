using System.IO.Pipelines;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// A connection as a pair of pipes, made on demand: what codecs and the L7 path read and write. Bytes are pulled only while the
/// reader keeps up, so backpressure reaches the peer. It is the seam to the HTTP room: TCP is relayed without it, by
/// <see cref="Relay"/>.
/// </summary>
/// <remarks>The reader completes with the peer's FIN, and with a <see cref="ConnectionBrokenException"/> when it broke.
/// Completing the writer sends our FIN; completing it with an exception resets.</remarks>
internal sealed class ConnectionPipe : IDuplexPipe, IByteSink, IByteSource, ILoopTurn
{
    private readonly Connection _connection;
    private readonly Pipe _received;
    private readonly Pipe _toSend;
    private bool _isFlushing;
    private bool _isReceiveOver;
    private bool _isWaitingForWriter;

    /// <summary>Wraps a connection whose receiver and sender are not set. Its owner stays who it is.</summary>
    public ConnectionPipe(Connection connection)
    {
        _connection = connection;
        var scheduler = new LoopPipeScheduler(connection.Loop);
        var options = new PipeOptions(
            readerScheduler: scheduler, writerScheduler: scheduler,
            pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024, useSynchronizationContext: false);
        _received = new Pipe(options);
        _toSend = new Pipe(options);
        connection.Receiver = this;
        connection.Sender = this;
        connection.Loop.QueueReceive(this);
        WaitForWriter();
    }

    /// <inheritdoc/>
    public PipeReader Input => _received.Reader;

    /// <inheritdoc/>
    public PipeWriter Output => _toSend.Writer;

    bool ILoopTurn.IsQueued { get; set; }

    void IByteSink.SourceReady() => _connection.Loop.QueueReceive(this);

    int IByteSink.Push(ReadOnlySpan<byte> bytes) => 0;

    /// <summary>Receiving: from the connection into the pipe, until the reader has enough.</summary>
    void ILoopTurn.RunTurn()
    {
        while (!_isFlushing && !_isReceiveOver)
        {
            var room = _received.Writer.GetSpan(4096);
            switch (_connection.Pull(room, out int bytes))
            {
                case PullOutcome.Bytes:
                    _received.Writer.Advance(bytes);
                    var flush = _received.Writer.FlushAsync();
                    if (flush.IsCompleted) _isReceiveOver = flush.Result.IsCompleted;
                    else AwaitReader(flush);
                    break;
                case PullOutcome.Empty:
                    return;
                case PullOutcome.End:
                    _isReceiveOver = true;
                    _received.Writer.Complete();
                    break;
                case PullOutcome.Broken:
                    _isReceiveOver = true;
                    _received.Writer.Complete(new ConnectionBrokenException(_connection.Fault));
                    break;
            }
        }
    }

    void ILoopTurn.Fail() => _connection.Abort(ConnectionFault.Internal);

    /// <summary>Sending: the connection takes from the pipe what the writer has flushed.</summary>
    PullOutcome IByteSource.Pull(Span<byte> into, out int bytes)
    {
        bytes = 0;
        if (_isWaitingForWriter || !_toSend.Reader.TryRead(out var result))
        {
            WaitForWriter();
            return PullOutcome.Empty;
        }

        var buffer = result.Buffer;
        if (buffer.IsEmpty)
        {
            _toSend.Reader.AdvanceTo(buffer.Start);
            if (result.IsCompleted) return PullOutcome.End;
            WaitForWriter();
            return PullOutcome.Empty;
        }

        if (buffer.Length > into.Length) buffer = buffer.Slice(0, into.Length);
        foreach (var segment in buffer)
        {
            segment.Span.CopyTo(into[bytes..]);
            bytes += segment.Length;
        }

        _toSend.Reader.AdvanceTo(buffer.End);
        return PullOutcome.Bytes;
    }

    private async void AwaitReader(ValueTask<FlushResult> flush)
    {
        _isFlushing = true;
        var result = await flush;
        _isFlushing = false;
        if (result.IsCompleted) _isReceiveOver = true;
        else _connection.Loop.QueueReceive(this);
    }

    // Asks to be told of the next flush without taking anything: what is there stays for Pull.
    private async void WaitForWriter()
    {
        if (_isWaitingForWriter) return;
        _isWaitingForWriter = true;
        try
        {
            var result = await _toSend.Reader.ReadAsync();
            _toSend.Reader.AdvanceTo(result.Buffer.Start);
        }
        catch (Exception) when (!_connection.IsClosed)
        {
            // The writer completed with an exception: its way to ask for a reset.
            _connection.Abort(ConnectionFault.Ended);
            _connection.Owner?.OnBroken(_connection);
        }

        _isWaitingForWriter = false;
        _connection.SourceReady();
    }
}
