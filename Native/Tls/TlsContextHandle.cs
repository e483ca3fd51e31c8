using System.Runtime.InteropServices;

namespace Ambient.Native.Tls;

/// <summary>
/// An SSL_CTX and the memory that its callbacks look at. Sessions hold it by reference count, so it goes when the last of them and
/// the context object are gone, in whatever order.
/// </summary>
internal sealed unsafe class TlsContextHandle : SafeHandle
{
    private byte* _alpn;

    public TlsContextHandle(nint context) : base(0, ownsHandle: true) => SetHandle(context);

    public override bool IsInvalid => handle == 0;

    /// <summary>The SSL_CTX. The caller keeps this object alive across its use.</summary>
    public nint Pointer
    {
        get
        {
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return handle;
        }
    }

    /// <summary>Copies the server's protocols to native memory: two bytes of length, then the wire form of RFC 7301.</summary>
    public byte* KeepAlpn(ReadOnlySpan<byte> protocols)
    {
        // SAFETY: freed once in ReleaseHandle, after the SSL_CTX that points to it; the length fits, TlsContext has checked it.
        _alpn = (byte*)NativeMemory.Alloc((nuint)protocols.Length + sizeof(ushort));
        *(ushort*)_alpn = (ushort)protocols.Length;
        protocols.CopyTo(new Span<byte>(_alpn + sizeof(ushort), protocols.Length));
        return _alpn;
    }

    protected override bool ReleaseHandle()
    {
        // SAFETY: no SSL of this context is left, since each holds a reference to this handle.
        Ssl.ContextFree(handle);
        NativeMemory.Free(_alpn);
        _alpn = null;
        return true;
    }
}
