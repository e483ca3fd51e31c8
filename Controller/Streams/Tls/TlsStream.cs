using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Ambient.Native.Tls;

namespace Ambient.Controller.Streams.Tls;

/// <summary>
/// The server's end of a TLS connection over Kestrel's pipes. It holds no buffer while nothing comes or goes, which SslStream does: libssl's own
/// two of 17 KB for each of ten thousand connections. One reader and one writer at a time, who may be two threads.
/// </summary>
internal sealed class TlsStream(TlsContext context, IDuplexPipe transport) : DuplexStream
{
    // What fits into a block of the transport's with what a record adds; a longer write is several records.
    private const int RoomAtOnce = BlockPool.BlockBytes;

    // What a record adds, and what TlsSession keeps free beside it.
    private const int RoomBeside = 512;

    // What a peer makes us say by itself, by asking for new keys (27 bytes each), before it has read any of it.
    private const int MostAnswerBytes = 1024;

    // Guards the session, which belongs to one thread at a time, and what follows.
    private readonly Lock _lock = new();
    private readonly TlsSession _session = new(context);
    private byte[] _answers = [];
    private volatile string? _fault;

    // Of the reader alone: more can be told without more from the transport, bytes or an end.
    private bool _hasMore;
    private bool _isDisposed;

    /// <summary>The application protocol that both agreed on; null if the client named none.</summary>
    internal string? Protocol
    {
        get { lock (_lock) return _session.Alpn; }
    }

    /// <summary>Whether the client has said anything inside.</summary>
    internal bool HasSpoken { get; private set; }

    /// <summary>Shakes hands. Comes once, before any read and write.</summary>
    /// <returns>Null; or why there is no connection, for a person; empty if the client left without a byte.</returns>
    internal async Task<string?> HandshakeAsync(CancellationToken cancellation)
    {
        bool hasSpoken = false;
        try
        {
            while (true)
            {
                var read = await transport.Input.ReadAsync(cancellation);
                hasSpoken |= !read.Buffer.IsEmpty;
                var step = Handshake(read.Buffer, out var taken);
                transport.Input.AdvanceTo(taken);
                await transport.Output.FlushAsync(cancellation);    // also an alert that says why not
                if (step == TlsStep.Done)
                    return null;
                if (step == TlsStep.Failed)
                    return _session.Failure;
                if (read.IsCompleted)
                    break;
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // Reset, or nobody there any more: it is over like any other that hung up.
        }
        return hasSpoken ? "it hung up in the middle of its handshake" : "";
    }

    /// <inheritdoc/>
    /// <remarks>Of no bytes it waits until there is something to read, and holds nothing meanwhile.</remarks>
    /// <exception cref="IOException">The peer broke the rules of TLS.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (_fault is { } fault)
                throw new IOException(fault);
            if (_hasMore)
            {
                if (buffer.IsEmpty)
                    return 0;
                if (Decrypt(default, buffer.Span, out _, out int held) is var rest && (held > 0 || rest == TlsStep.PeerClosed))
                    return held;
            }
            var read = await transport.Input.ReadAsync(cancellationToken);
            if (read.IsCanceled)
            {
                transport.Input.AdvanceTo(read.Buffer.Start);
                continue;                                           // a fault of the writer's
            }
            if (buffer.IsEmpty)
            {
                transport.Input.AdvanceTo(read.Buffer.Start);       // nothing is examined: the next one comes at once
                return 0;
            }
            var taken = read.Buffer.Start;
            TlsStep step;
            int produced;
            try
            {
                step = Decrypt(read.Buffer, buffer.Span, out taken, out produced);
            }
            finally
            {
                transport.Input.AdvanceTo(taken);
            }
            if (produced > 0 || step == TlsStep.PeerClosed || read.IsCompleted)
                return produced;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Encrypts into the transport; <see cref="FlushAsync"/> sends. Of a broken session the reader tells, and what is written is lost.</remarks>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            SayAnswers();
            for (int at = 0; at < buffer.Length && _fault is null;)
            {
                var rest = buffer.Span[at..];
                var io = new TlsIo { Output = transport.Output.GetSpan(Math.Min(rest.Length + RoomBeside, RoomAtOnce)) };
                var step = _session.Write(ref io, rest, out int consumed);
                transport.Output.Advance(io.Written);
                at += consumed;
                if (step == TlsStep.Failed)
                    Break(_session.Failure!);
                else if (step == TlsStep.NeedInput)
                    Break("it stopped in the middle of a message to the session itself");       // by which nothing can be written
            }
        }
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override async Task FlushAsync(CancellationToken cancellationToken) => await transport.Output.FlushAsync(cancellationToken);

    /// <summary>Says that nothing more comes, as far as the peer still listens.</summary>
    internal async Task CloseAsync(CancellationToken cancellation)
    {
        lock (_lock)
        {
            SayAnswers();
            var io = new TlsIo { Output = transport.Output.GetSpan(RoomBeside) };
            _session.Close(ref io);
            transport.Output.Advance(io.Written);
        }
        await transport.Output.FlushAsync(cancellation);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        lock (_lock)
        {
            _isDisposed = true;
            _session.Dispose();
        }
        base.Dispose(disposing);
    }

    private TlsStep Handshake(ReadOnlySequence<byte> input, out SequencePosition taken)
    {
        lock (_lock)
        {
            while (true)
            {
                var io = new TlsIo { Input = input.FirstSpan, Output = transport.Output.GetSpan(RoomAtOnce) };
                var step = _session.Handshake(ref io);
                transport.Output.Advance(io.Written);
                input = input.Slice(io.Consumed);
                taken = input.Start;
                if (step == TlsStep.Done || step == TlsStep.Failed || (step == TlsStep.NeedInput && input.IsEmpty))
                    return step;
            }
        }
    }

    private TlsStep Decrypt(ReadOnlySequence<byte> input, Span<byte> into, out SequencePosition taken, out int produced)
    {
        produced = 0;
        Span<byte> answer = stackalloc byte[RoomBeside];
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            while (true)
            {
                var io = new TlsIo { Input = input.FirstSpan, Output = answer };
                var step = _session.Read(ref io, into[produced..], out int bytes);
                produced += bytes;
                HasSpoken |= bytes > 0;
                input = input.Slice(io.Consumed);
                taken = input.Start;
                // What came before an end is read before the end is told.
                _hasMore = produced == into.Length || step is TlsStep.PeerClosed or TlsStep.Failed;
                Keep(answer[..io.Written]);
                if (step == TlsStep.Failed && produced == 0)
                    throw new IOException(_fault = _session.Failure);
                if (_hasMore || (input.IsEmpty && step == TlsStep.NeedInput))
                    return step;
            }
        }
    }

    private void Break(string fault)
    {
        _fault = fault;
        transport.Input.CancelPendingRead();
    }

    // Answers go with what is written next, which is where they have to come first (RFC 8446, section 4.6.3): the transport is the writer's.
    private void Keep(ReadOnlySpan<byte> answer)
    {
        if (answer.IsEmpty)
            return;
        if (_answers.Length + answer.Length > MostAnswerBytes)
            throw new IOException(_fault = "it asks for new keys again and again");
        _answers = [.. _answers, .. answer];
    }

    private void SayAnswers()
    {
        if (_answers.Length == 0)
            return;
        transport.Output.Write(_answers);
        _answers = [];
    }
}
