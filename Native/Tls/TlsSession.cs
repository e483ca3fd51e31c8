using System.Runtime.CompilerServices;

namespace Ambient.Native.Tls;

/// <summary>
/// One end of a TLS 1.3 connection, without a socket: ciphertext goes in and out through <see cref="TlsIo"/>. It belongs to one
/// loop; it is not for several threads at once. Reads, writes and closes come after the handshake is done.
/// </summary>
/// <remarks>
/// <code>
/// handshaking --Done--> open --Close--> open for reading --PeerClosed--> ended (dispose)
///      |                 | \--PeerClosed--> open for writing --Close--> ended (dispose)
///      +----- Failed ----+--> broken (dispose)
/// </code>
/// </remarks>
public sealed unsafe partial class TlsSession : IDisposable
{
    /// <summary>What a record adds to its plaintext: header 5, content type 1, tag 16 (RFC 8446 section 5.2).</summary>
    private const int RecordOverhead = 22;

    private const int MaxRecord = 16 << 10;

    /// <summary>Room left beside a record for what the library says on its own, such as the answer to a key update (27 bytes).</summary>
    private const int Reserve = 256;

    private const int KeyUpdateRequested = 1;

    private const int WantRead = 2, WantWrite = 3, ZeroReturn = 6;

    private readonly TlsContext _context;
    private readonly TlsSessionHandle _handle;
    private bool _isEstablished;
    private bool _isPeerClosed;
    private bool _isCloseSent;
    private bool _mayHoldPlaintext = true;
    private int _stuckBytes;
    private int _recordsOfKey;

    /// <summary>Starts a session in the context's role.</summary>
    /// <param name="context">Kept alive by the session, even if it is disposed meanwhile.</param>
    /// <param name="resume">A ticket of an earlier session of the same context; the caller still owns and disposes it.</param>
    /// <exception cref="ArgumentException">The ticket is another identity's, which the peer would take this session for.</exception>
    /// <exception cref="TlsException">No memory is left.</exception>
    /// <exception cref="ObjectDisposedException">The context or the ticket is disposed.</exception>
    public TlsSession(TlsContext context, TlsTicket? resume = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        ObjectDisposedException.ThrowIf(context.IsDisposed, context);
        if (resume is not null && (context.IsServer || !ReferenceEquals(resume.Context, context)))
            throw new ArgumentException("A ticket resumes with the client context that it came from.", nameof(resume));
        _context = context;
        _handle = new TlsSessionHandle(context.Handle);
        nint ssl = _handle.Pointer;
        if (context.IsServer) Ssl.SetAcceptState(ssl);
        else Ssl.SetConnectState(ssl);
        // A ticket that the library no longer takes means a full handshake, no failure.
        if (resume is null)
            return;
        try
        {
            if (!resume.TryUse(ssl))
                Crypto.ClearErrors();
        }
        catch (ObjectDisposedException)
        {
            _handle.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Records sent under one key before both sides take new ones. AES-GCM is good for 2^24.5 full records (RFC 8446 section 5.5),
    /// which a link between two busy pods reaches after 380 GB; libssl leaves the counting to its user. 2^22 are 64 GB.
    /// </summary>
    internal int RecordsPerKey { get; set; } = 1 << 22;

    /// <summary>Why the session is broken, for a person; null while it is not.</summary>
    public string? Failure { get; private set; }

    /// <summary>It is broken because of the peer's certificate: missing, not valid now, or not leading to the bundle.</summary>
    public bool IsPeerRefused { get; private set; }

    /// <summary>Goes on with the handshake.</summary>
    /// <returns>Done once both sides have what they need; a client hears only from its first read whether the server took its certificate.</returns>
    public TlsStep Handshake(ref TlsIo io)
    {
        nint ssl = _handle.Pointer;
        if (Failure is not null) return TlsStep.Failed;
        if (_isEstablished) return TlsStep.Done;
        TlsStep step;
        // SAFETY: both spans are pinned while the transport points to them, and Detach makes it forget them.
        fixed (byte* input = io.Input, output = io.Output)
        {
            Attach(input, output, in io);
            Crypto.ClearErrors();
            int result = Ssl.Handshake(ssl);
            step = result == 1 ? TlsStep.Done : StepAfter(ssl, result);
            Detach(ref io);
        }
        if (step == TlsStep.Done)
        {
            _isEstablished = true;
            _isChainFresh = _context.VerifiesPeer && Ssl.IsResumed(ssl) == 0;
        }
        else if (step == TlsStep.PeerClosed)
        {
            Failure = "the peer closed during the handshake";
            step = TlsStep.Failed;
        }
        GC.KeepAlive(this);
        return step;
    }

    /// <summary>Decrypts.</summary>
    /// <param name="plaintext">Not empty, and apart from the input. Filled from it as far as it goes, over several records.</param>
    /// <param name="produced">How many bytes; above 0 exactly for Done.</param>
    /// <returns>
    /// Done: again, until something else. NeedOutput: the session has to answer the peer first. PeerClosed and Failed stay so, and
    /// come only after everything before them was read.
    /// </returns>
    /// <exception cref="InvalidOperationException">The handshake is not done.</exception>
    public TlsStep Read(ref TlsIo io, Span<byte> plaintext, out int produced)
    {
        produced = 0;
        nint ssl = _handle.Pointer;
        if (Failure is not null) return TlsStep.Failed;
        if (_isPeerClosed) return TlsStep.PeerClosed;
        if (!_isEstablished || plaintext.IsEmpty) ThrowMisuse(plaintext.IsEmpty);
        // The library reads one record at a time and keeps nothing behind it, so that without input there is nothing to ask it for.
        if (io.Consumed == io.Input.Length && !_mayHoldPlaintext) return TlsStep.NeedInput;

        TlsStep step;
        // SAFETY: all three spans are pinned; the library writes at most the length that is left of the plaintext.
        fixed (byte* input = io.Input, output = io.Output, into = plaintext)
        {
            var transport = Attach(input, output, in io);
            Crypto.ClearErrors();
            while (true)
            {
                int result = Ssl.Read(ssl, into + produced, plaintext.Length - produced);
                if (result <= 0)
                {
                    step = StepAfter(ssl, result);
                    _mayHoldPlaintext = step == TlsStep.NeedOutput;
                    break;
                }
                produced += result;
                _mayHoldPlaintext = produced == plaintext.Length;
                step = TlsStep.Done;
                if (_mayHoldPlaintext || transport->InputPosition == transport->InputLength) break;
            }
            Detach(ref io);
        }
        if (step == TlsStep.PeerClosed) _isPeerClosed = true;
        GC.KeepAlive(this);
        return produced > 0 ? TlsStep.Done : step;
    }

    /// <summary>Encrypts.</summary>
    /// <param name="plaintext">May move between calls. After NeedOutput the next call starts with what was not consumed.</param>
    /// <param name="consumed">How many bytes of it are in the output, also when the step is not Done.</param>
    /// <returns>Done: all is consumed. NeedOutput: the room is full. Room for plaintext + 64 per 16 KiB + 1 KiB is always enough.</returns>
    /// <exception cref="InvalidOperationException">The handshake is not done, or <see cref="Close"/> was called.</exception>
    public TlsStep Write(ref TlsIo io, ReadOnlySpan<byte> plaintext, out int consumed)
    {
        consumed = 0;
        nint ssl = _handle.Pointer;
        if (Failure is not null) return TlsStep.Failed;
        if (!_isEstablished || _isCloseSent || plaintext.Length < _stuckBytes) ThrowMisuse(isEmpty: false);
        var step = TlsStep.Done;
        // SAFETY: all three spans are pinned; the library reads at most the length that is left of the plaintext.
        fixed (byte* input = io.Input, output = io.Output, from = plaintext)
        {
            var transport = Attach(input, output, in io);
            Crypto.ClearErrors();
            while (consumed < plaintext.Length)
            {
                // Only records that fit whole are begun: one that is cut off stays in the library, which then insists on its length.
                int room = transport->OutputLength - transport->OutputPosition - RecordOverhead - Reserve;
                int bytes = _stuckBytes > 0 ? _stuckBytes : Math.Min(Math.Min(plaintext.Length - consumed, MaxRecord), room);
                if (bytes <= 0)
                {
                    step = TlsStep.NeedOutput;
                    break;
                }
                // A failure would leave the old key, which has 2^2.5 times as many records in it, until the next round.
                if (_recordsOfKey >= RecordsPerKey && _stuckBytes == 0 && Ssl.KeyUpdate(ssl, KeyUpdateRequested) == 1) _recordsOfKey = 0;
                int result = Ssl.Write(ssl, from + consumed, bytes);
                if (result <= 0)
                {
                    step = StepAfter(ssl, result);
                    _stuckBytes = step == TlsStep.NeedOutput ? bytes : 0;
                    break;
                }
                _stuckBytes = 0;
                _recordsOfKey++;
                consumed += result;
            }
            Detach(ref io);
        }
        GC.KeepAlive(this);
        return step;
    }

    /// <summary>Says close_notify: no more bytes follow. Reading goes on until the peer's own. Before the handshake is done there is nothing to say.</summary>
    /// <returns>Done, NeedOutput or Failed.</returns>
    public TlsStep Close(ref TlsIo io)
    {
        nint ssl = _handle.Pointer;
        if (Failure is not null) return TlsStep.Failed;
        if (!_isEstablished || _isCloseSent) return TlsStep.Done;
        TlsStep step;
        // SAFETY: as in Handshake.
        fixed (byte* input = io.Input, output = io.Output)
        {
            Attach(input, output, in io);
            Crypto.ClearErrors();
            // An answer to a key update that still waits goes first: libssl refuses a shutdown in the middle of a message.
            int result = Ssl.Handshake(ssl);
            bool isSaid = result == 1 && (result = Ssl.Shutdown(ssl)) >= 0;
            step = isSaid ? TlsStep.Done : StepAfter(ssl, result);
            Detach(ref io);
        }
        _isCloseSent = step == TlsStep.Done;
        GC.KeepAlive(this);
        return step;
    }

    /// <summary>Takes the oldest ticket that has arrived, or null. Tickets come with the first reads of a client; the last 4 are kept.</summary>
    public TlsTicket? TakeTicket()
    {
        _ = _handle.Pointer;
        // SAFETY: the handle is not freed, and KeepAlive holds it until the ticket's reference is taken over.
        nint session = _handle.Transport->TakeTicket();
        return Alive(session == 0 ? null : new TlsTicket(session, _context));
    }

    /// <summary>Frees the session without a word to the peer. Tickets that were taken stay good.</summary>
    public void Dispose() => _handle.Dispose();

    private TlsTransport* Attach(byte* input, byte* output, in TlsIo io)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)io.Consumed, (uint)io.Input.Length, nameof(io));
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)io.Written, (uint)io.Output.Length, nameof(io));
        var transport = _handle.Transport;
        transport->Input = input;
        transport->InputLength = io.Input.Length;
        transport->InputPosition = io.Consumed;
        transport->Output = output;
        transport->OutputLength = io.Output.Length;
        transport->OutputPosition = io.Written;
        return transport;
    }

    private void Detach(ref TlsIo io)
    {
        var transport = _handle.Transport;
        io.Consumed = transport->InputPosition;
        io.Written = transport->OutputPosition;
        transport->Input = transport->Output = null;
        transport->InputLength = transport->InputPosition = transport->OutputLength = transport->OutputPosition = 0;
    }

    private TlsStep StepAfter(nint ssl, int result)
    {
        switch (Ssl.Error(ssl, result))
        {
            case WantRead: return TlsStep.NeedInput;
            case WantWrite: return TlsStep.NeedOutput;
            case ZeroReturn: return TlsStep.PeerClosed;
            default:
                Failure = TlsFailure.Describe(ssl, out bool isPeerRefused);
                IsPeerRefused = isPeerRefused;
                return TlsStep.Failed;
        }
    }

    private T Alive<T>(T value)
    {
        GC.KeepAlive(this);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ThrowMisuse(bool isEmpty) => throw (isEmpty
        ? new ArgumentException("A read needs room for at least one byte.", "plaintext")
        : new InvalidOperationException(!_isEstablished ? "The handshake is not done." : _isCloseSent ? "The session is closed for writing." : "A write goes on with the bytes that were not consumed."));
}
