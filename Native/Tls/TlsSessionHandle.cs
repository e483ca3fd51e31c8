using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>An SSL with its BIO and transport, freed together and in this order; it keeps the context alive.</summary>
internal sealed unsafe class TlsSessionHandle : SafeHandle
{
    private const int SentAndReceivedShutdown = 3;

    private readonly TlsContextHandle _context;
    private readonly bool _holdsContext;
    private TlsTransport* _transport;

    /// <exception cref="TlsException">No memory is left.</exception>
    /// <exception cref="ObjectDisposedException">The context is disposed.</exception>
    public TlsSessionHandle(TlsContextHandle context) : base(0, ownsHandle: true)
    {
        _context = context;
        context.DangerousAddRef(ref _holdsContext);
        // A valid handle from here on: what fails below is cleaned up by Dispose or the finalizer.
        nint ssl = Ssl.New(context.DangerousGetHandle());
        SetHandle(ssl);
        nint bio = ssl == 0 ? 0 : Crypto.BioNew(TlsTransport.Method);
        if (bio == 0)
        {
            Dispose();
            throw TlsFailure.Exception("No TLS session can be made");
        }
        // SAFETY: zeroed, freed once in ReleaseHandle after the SSL that reaches it through the BIO.
        _transport = (TlsTransport*)NativeMemory.AllocZeroed((nuint)sizeof(TlsTransport));
        Crypto.BioSetData(bio, _transport);
        Crypto.BioSetInitialized(bio, 1);
        Ssl.SetBio(ssl, bio, bio);
    }

    // Never "invalid": also a handle without an SSL has a reference to its context to give back.
    public override bool IsInvalid => false;

    /// <summary>The SSL. The caller keeps this object alive across its use, and is the only one that uses it.</summary>
    /// <exception cref="ObjectDisposedException">It is freed.</exception>
    public nint Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    /// <summary>The transport, valid as long as <see cref="Pointer"/>.</summary>
    public TlsTransport* Transport => _transport;

    protected override bool ReleaseHandle()
    {
        if (handle != 0)
        {
            // An SSL that is freed without a shutdown makes its newest ticket not resumable.
            Ssl.SetShutdown(handle, SentAndReceivedShutdown);
            Ssl.Free(handle);
        }
        if (_transport != null)
        {
            // SAFETY: nothing reaches the transport any more; the tickets in it are ours (KeepTicket answered 1).
            for (nint ticket; (ticket = _transport->TakeTicket()) != 0;)
                Ssl.SessionFree(ticket);
            NativeMemory.Free(_transport);
            _transport = null;
        }
        if (_holdsContext)
            _context.DangerousRelease();
        return true;
    }
}
