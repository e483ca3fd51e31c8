using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;

namespace Ambient.Controller.Kubernetes.Decoding;

/// <summary>
/// JSON as it comes in. Reads piece by piece what is complete, so that of an answer of any length no more is held than one object and
/// what came together with it.
/// </summary>
/// <param name="idleLimit">How long the other side may say nothing.</param>
internal sealed class JsonInput(Stream stream, TimeSpan idleLimit) : IAsyncDisposable
{
    /// <summary>Longest object, in bytes. etcd takes 1.5 MiB, the API server 3.</summary>
    internal const int MaxObjectBytes = 8 << 20;

    /// <summary>Deepest nesting that is passed over: the server itself takes 10,000 levels, and one strange object must not stop all others.</summary>
    internal const int MaxDepth = 10_100;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth, AllowMultipleValues = true };

    private readonly PipeReader _pipe = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024, minimumReadSize: 4 * 1024));
    private JsonReaderState _state = new(Options);

    /// <summary>Reads pieces of what came in, as many as are complete.</summary>
    /// <returns>False at the end of what is to be read, although more may come.</returns>
    internal delegate bool Piece(ref Utf8JsonReader reader);

    /// <summary>Reads until the other side ends, or <paramref name="read"/> has seen enough.</summary>
    /// <param name="read">
    /// Called with the reader at the end of the last piece. Moves it behind the next one and is called again; moves it not at all if
    /// the next piece is not complete.
    /// </param>
    /// <exception cref="JsonException">It is no JSON, or holds an object that is too large.</exception>
    /// <exception cref="IOException">It broke off.</exception>
    /// <exception cref="TimeoutException">Nothing came for too long.</exception>
    internal async Task ReadAsync(Piece read, CancellationToken cancellation)
    {
        while (true)
        {
            var result = await FillAsync(cancellation);
            if (result.Buffer.IsEmpty && result.IsCompleted)
                return;
            var (consumed, goesOn) = Consume(result.Buffer, result.IsCompleted, read);
            var rest = result.Buffer.Slice(consumed);
            if (rest.Length > MaxObjectBytes)
                throw new JsonException($"expected objects of at most {MaxObjectBytes >> 20} MiB");
            _pipe.AdvanceTo(consumed, result.Buffer.End);
            if (!goesOn || result.IsCompleted)
                return;
        }
    }

    public ValueTask DisposeAsync() => _pipe.CompleteAsync();

    /// <summary>Whether the value after the reader's place is complete, so that it can be read in one go.</summary>
    internal static bool HasWholeValue(Utf8JsonReader reader) => reader.Read() && reader.TrySkip();

    private async ValueTask<ReadResult> FillAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(idleLimit);
        try
        {
            return await _pipe.ReadAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"nothing came for {idleLimit.TotalSeconds} s");
        }
    }

    private (SequencePosition Consumed, bool GoesOn) Consume(ReadOnlySequence<byte> buffer, bool isFinal, Piece read)
    {
        var reader = new Utf8JsonReader(buffer, isFinal, _state);
        var goesOn = true;
        try
        {
            while (goesOn)
            {
                var before = reader.BytesConsumed;
                goesOn = read(ref reader);
                if (reader.BytesConsumed == before)
                    break;
            }
        }
        catch (JsonException e) when (isFinal)
        {
            throw new IOException($"the answer broke off: {e.Message}", e);
        }
        _state = reader.CurrentState;
        return (buffer.GetPosition(reader.BytesConsumed), goesOn);
    }
}
