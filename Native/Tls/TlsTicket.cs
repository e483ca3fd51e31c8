using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>
/// What a client needs to resume a connection with the identity of the first one (an SSL_SESSION). Good for one connection, and only
/// with the context that it came from; a second use makes a full handshake. Any thread may take it over.
/// </summary>
public sealed class TlsTicket : IDisposable
{
    private readonly Handle _handle;

    internal TlsTicket(nint session, TlsContext context)
    {
        _handle = new Handle(session);
        Context = context;
    }

    /// <summary>The context whose identity the ticket stands for.</summary>
    internal TlsContext Context { get; }

    /// <summary>Forgets the ticket; sessions that resumed from it go on.</summary>
    public void Dispose() => _handle.Dispose();

    /// <summary>SSL_set_session(3): the session takes its own reference.</summary>
    internal bool TryUse(nint ssl)
    {
        bool isHeld = false;
        try
        {
            _handle.DangerousAddRef(ref isHeld);
            return Ssl.SetSession(ssl, _handle.DangerousGetHandle()) == 1;
        }
        finally
        {
            if (isHeld)
                _handle.DangerousRelease();
        }
    }

    private sealed class Handle : SafeHandle
    {
        public Handle(nint session) : base(0, ownsHandle: true) => SetHandle(session);

        public override bool IsInvalid => handle == 0;

        protected override bool ReleaseHandle()
        {
            Ssl.SessionFree(handle);
            return true;
        }
    }
}
