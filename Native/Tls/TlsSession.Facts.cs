using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;

namespace Ambient.Native.Tls;

/// <content>What a session knows of itself and its peer: asked for once or twice, after the handshake.</content>
public sealed unsafe partial class TlsSession
{
    /// <summary>SSL_get_negotiated_group(3).</summary>
    private const int NegotiatedGroup = 134;

    private PeerCertificate? _peer;
    private bool _isChainFresh;

    /// <summary>Whether the handshake resumed an earlier one, by which nobody looked at the peer's chain: see <see cref="VerifyPeerChain"/>.</summary>
    public bool IsResumed => Alive(_isEstablished && Ssl.IsResumed(_handle.Pointer) == 1);

    /// <summary>The application protocol that both agreed on; null if the peer does not use ALPN, or before the handshake.</summary>
    public string? Alpn
    {
        get
        {
            byte* name;
            uint length;
            // SAFETY: out parameters on this stack frame; the name is the session's and is compared before this returns.
            Ssl.SelectedAlpn(_handle.Pointer, &name, &length);
            string? found = null;
            foreach (string candidate in name == null ? [] : _context.AlpnNames)
            {
                if (Ascii.Equals(candidate, new ReadOnlySpan<byte>(name, (int)length)))
                    found = candidate;
            }
            return Alive(found);
        }
    }

    /// <summary>The cipher suite by its IANA name; null before the handshake.</summary>
    public string? CipherSuite =>
        Alive(_isEstablished && Ssl.CurrentCipher(_handle.Pointer) is var cipher and not 0 ? Marshal.PtrToStringUTF8(Ssl.CipherName(cipher)) : null);

    /// <summary>The key exchange group in the library's spelling, for example <c>x25519</c>; null before the handshake.</summary>
    public string? Group
    {
        get
        {
            nint ssl = _handle.Pointer;
            if (!_isEstablished) return null;              // libssl 3.0 looks at a session that is not there yet, and crashes
            // SAFETY: the command takes no pointer.
            int group = (int)Ssl.Control(ssl, NegotiatedGroup, 0, null);
            return Alive(group == 0 ? null : Marshal.PtrToStringUTF8(Ssl.GroupName(ssl, group)));
        }
    }

    /// <summary>The peer's leaf certificate, of a resumed session too; null before the handshake is done.</summary>
    public PeerCertificate? Peer => Alive(_isEstablished ? _peer ??= PeerVerification.ReadLeaf(_handle.Pointer) : null);

    /// <summary>
    /// Verifies the peer's chain against the context's bundle: signatures, validity by the system's clock, extended key usage,
    /// depth. A resumed handshake has verified nothing; a full one has, and the first call after it answers from that.
    /// </summary>
    /// <param name="reason">Why not, for a person.</param>
    public bool VerifyPeerChain([NotNullWhen(false)] out string? reason)
    {
        reason = "the handshake is not done";
        if (!_isEstablished) return false;
        reason = null;
        if (!_isChainFresh) reason = PeerVerification.Verify(_handle.Pointer, Ssl.ContextStore(_context.Handle.DangerousGetHandle()), _context.IsServer);
        _isChainFresh = false;
        GC.KeepAlive(this);
        return reason is null;
    }

    /// <summary>
    /// The same against the bundle of another context: the roots may have changed while the handshake was under way, and the newest ones
    /// count.
    /// </summary>
    /// <param name="newest">Any context; its bundle alone is used.</param>
    /// <param name="reason">Why not, for a person.</param>
    public bool VerifyPeerChain(TlsContext newest, [NotNullWhen(false)] out string? reason)
    {
        if (ReferenceEquals(newest, _context)) return VerifyPeerChain(out reason);
        reason = "the handshake is not done";
        if (!_isEstablished) return false;
        reason = PeerVerification.Verify(_handle.Pointer, Ssl.ContextStore(newest.Handle.DangerousGetHandle()), _context.IsServer);
        GC.KeepAlive(this);
        GC.KeepAlive(newest);
        return reason is null;
    }
}
