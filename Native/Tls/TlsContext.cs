using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Ambient.Native.Tls;

/// <summary>
/// One identity in one role: its certificate, its trust, its ticket keys (an SSL_CTX). Immutable, shared by any number of sessions on
/// any threads. A new certificate or bundle is a new context, by which all tickets of the old one become worthless.
/// </summary>
public sealed unsafe class TlsContext : IDisposable
{
    /// <summary>Certificates between a peer's leaf and the trusted one, at most.</summary>
    internal const int MaxChainDepth = 4;

    /// <summary>112 bits and up: RSA from 2,048, no SHA-1. Set, so that the machine's openssl.cnf does not decide.</summary>
    internal const int SecurityLevel = 2;

    /// <summary>A chain of five P-256 or RSA certificates is under 8 KiB; the library's own limit is 100 KiB for a peer yet unknown.</summary>
    internal const int MaxCertificateListBytes = 32 << 10;

    private const int Tls13 = 0x0304;
    private const string Suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";

    private const int VerifyPeer = 1, VerifyRequired = 2;
    private const ulong NoCompression = 1 << 17, ServerPreference = 1 << 22, NoRenegotiation = 1 << 30, NoAuthorityNames = 1 << 9;
    private const int PartialWrite = 0x1, MovingBuffer = 0x2, NoAutoChain = 0x8, ReleaseBuffers = 0x10;
    private const int CacheClientOnlyByCallback = 0x1 | 0x300, CacheNothing = 0x0;
    private const int NegotiatedByServer = 1, NotAcknowledged = 2;

    // SSL_CTX_ctrl(3), numbers of openssl/ssl.h.
    private const int SetMode = 33, SetCacheMode = 44, SetMaxCertificateList = 51, AddChainCertificate = 89, SetGroups = 92, SetMinVersion = 123, SetMaxVersion = 124;

    // The first that this libssl understands: with shares for both the hybrid and X25519 (3.5), with the hybrid alone, without.
    private static readonly string[] Groups = ["*X25519MLKEM768/*X25519:P-256", "X25519MLKEM768:X25519:P-256", "X25519:P-256"];

    private TlsContext(TlsSettings settings, TlsTrust? shared, bool isServer)
    {
        TlsLibrary.EnsureLoaded();
        Crypto.ClearErrors();
        IsServer = isServer;
        VerifiesPeer = !isServer || settings.DemandsCertificate;
        AlpnNames = [.. settings.Alpn];
        nint context = Ssl.ContextNew(isServer ? Ssl.ServerMethod() : Ssl.ClientMethod());
        if (context == 0)
            throw TlsFailure.Exception("No TLS context can be made");
        Handle = new TlsContextHandle(context);
        try
        {
            SetProtocol(context);
            Crypto.ClearErrors();                          // of groups that this libssl does not know
            SetOwnCertificate(context, settings);
            if (VerifiesPeer)
                SetTrust(context, settings.TrustBundle, shared);
            SetAlpn(context, EncodeAlpn(settings.Alpn));
            SetResumption(context, settings.Tickets);
        }
        catch
        {
            Handle.Dispose();
            throw;
        }
        finally
        {
            Crypto.ClearErrors();
        }
    }

    internal TlsContextHandle Handle { get; }

    /// <summary>Said apart from <see cref="Handle"/>, which stays open until the last session lets go.</summary>
    internal bool IsDisposed { get; private set; }

    internal bool IsServer { get; }

    /// <summary>Whether a handshake that is done has proved who the peer is.</summary>
    internal bool VerifiesPeer { get; }

    /// <summary>The protocols of the settings: what a session negotiates is one of these very strings.</summary>
    internal string[] AlpnNames { get; }

    /// <summary>Makes the side that connects. It sends no server name (SNI).</summary>
    /// <param name="settings">Copied.</param>
    /// <param name="shared">The settings' trust bundle made before; if it is another one, the settings' own counts.</param>
    /// <exception cref="TlsException">Material that cannot be used, or no OpenSSL 3.</exception>
    public static TlsContext Client(TlsSettings settings, TlsTrust? shared = null) => new(settings, shared, isServer: false);

    /// <summary>Makes the side that accepts. It demands a certificate of every client unless the settings say that it does not.</summary>
    /// <param name="settings">Copied.</param>
    /// <param name="shared">As for <see cref="Client"/>.</param>
    /// <exception cref="TlsException">Material that cannot be used, or no OpenSSL 3.</exception>
    public static TlsContext Server(TlsSettings settings, TlsTrust? shared = null) => new(settings, shared, isServer: true);

    /// <summary>Lets go. Sessions that live go on; new ones cannot be made.</summary>
    public void Dispose()
    {
        IsDisposed = true;
        Handle.Dispose();
    }

    private static void SetProtocol(nint context)
    {
        Require(Ssl.ContextControl(context, SetMinVersion, Tls13, null) == 1, "TLS 1.3 is not available");
        Require(Ssl.ContextControl(context, SetMaxVersion, Tls13, null) == 1, "TLS 1.3 is not available");
        Ssl.ContextSetSecurityLevel(context, SecurityLevel);
        _ = Ssl.ContextSetOptions(context, NoCompression | ServerPreference | NoRenegotiation | NoAuthorityNames);
        // Without NoAutoChain the library would look for intermediates in the trust bundle and send the root with every handshake.
        _ = Ssl.ContextControl(context, SetMode, PartialWrite | MovingBuffer | NoAutoChain | ReleaseBuffers, null);
        _ = Ssl.ContextControl(context, SetMaxCertificateList, MaxCertificateListBytes, null);
        Require(Ssl.ContextSetSuites(context, Suites) == 1, "The AES-GCM suites are not available");
        Require(Groups.Any(groups => TrySetGroups(context, groups)), "The groups X25519 and P-256 are not available");
        Require(Ssl.ContextSetMaxEarlyData(context, 0) == 1, "Early data cannot be switched off");
    }

    private static bool TrySetGroups(nint context, string groups)
    {
        // SAFETY: a terminated copy, pinned for the call; the library keeps what it parsed.
        fixed (byte* text = Encoding.ASCII.GetBytes(groups + '\0'))
            return Ssl.ContextControl(context, SetGroups, 0, text) == 1;
    }

    private static void SetOwnCertificate(nint context, TlsSettings settings)
    {
        Require(settings.CertificateChain.Count > 0, "There is no certificate");
        for (int i = 0; i < settings.CertificateChain.Count; i++)
        {
            nint certificate = ReadCertificate(settings.CertificateChain[i].Span, i == 0 ? "The certificate" : $"Certificate {i + 1} of the chain");
            bool isTaken = i == 0
                ? Ssl.ContextUseCertificate(context, certificate) == 1
                : Ssl.ContextControl(context, AddChainCertificate, 1, (void*)certificate) == 1;     // 1: with its own reference
            Crypto.CertificateFree(certificate);
            Require(isTaken, "The certificate chain cannot be used");
        }

        nint key = TlsPrivateKey.Read(settings.PrivateKeyPkcs8.Span);
        Require(key != 0, "The private key is not PKCS #8");
        bool isUsed = Ssl.ContextUsePrivateKey(context, key) == 1;
        Crypto.KeyFree(key);
        Require(isUsed && Ssl.ContextCheckPrivateKey(context) == 1, "The private key does not belong to the certificate");
    }

    private static void SetTrust(nint context, IReadOnlyList<ReadOnlyMemory<byte>> bundle, TlsTrust? shared)
    {
        if (shared is not null && shared.Is(bundle))
        {
            shared.GiveTo(context);
        }
        else
        {
            using var own = new TlsTrust(bundle);
            own.GiveTo(context);
        }
        Ssl.ContextSetVerify(context, VerifyPeer | VerifyRequired, 0);
        Ssl.ContextSetVerifyDepth(context, MaxChainDepth);
    }

    private void SetAlpn(nint context, byte[] protocols)
    {
        if (protocols.Length == 0)
            return;
        if (IsServer)
        {
            Ssl.ContextSetAlpnSelection(context, &SelectAlpn, Handle.KeepAlpn(protocols));
            return;
        }
        // SAFETY: pinned for the call; the library copies.
        fixed (byte* pointer = protocols)
            Require(Ssl.ContextSetAlpn(context, pointer, (uint)protocols.Length) == 0, "The application protocols cannot be used");
    }

    private void SetResumption(nint context, int tickets)
    {
        if (!IsServer)
        {
            _ = Ssl.ContextControl(context, SetCacheMode, CacheClientOnlyByCallback, null);
            Ssl.ContextSetNewTicket(context, &TlsTransport.KeepTicket);
            return;
        }
        Require(tickets is >= 0 and <= TlsTransport.MaxTickets, "A server sends 0 to 4 tickets");
        // All state is in the ticket. Without a scope every resumption with a client certificate fails; the ticket keys, which are
        // this context's own, are what keeps identities apart.
        _ = Ssl.ContextControl(context, SetCacheMode, CacheNothing, null);
        ReadOnlySpan<byte> scope = "ambient"u8;
        // SAFETY: pinned for the call; the library copies.
        fixed (byte* pointer = scope)
            Require(Ssl.ContextSetSessionScope(context, pointer, (uint)scope.Length) == 1, "Sessions cannot be resumed");
        Require(Ssl.ContextSetTickets(context, (nuint)tickets) == 1, "The number of tickets cannot be set");
        Require(Ssl.ContextSetTicketWriting(context, &TicketChain.Write, 0, 0) == 1, "Sessions cannot be resumed");
    }

    /// <summary>Chooses by the server's order; nothing in common is the alert no_application_protocol. SSL_CTX_set_alpn_select_cb(3).</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SelectAlpn(nint ssl, byte** chosen, byte* chosenBytes, byte* offered, uint offeredBytes, byte* own)
    {
        // SAFETY: `own` is the memory of KeepAlpn, alive as long as the SSL_CTX that calls; the rest is libssl's for this call.
        int result = Ssl.SelectProtocol(chosen, chosenBytes, own + sizeof(ushort), *(ushort*)own, offered, offeredBytes);
        return result == NegotiatedByServer ? 0 : NotAcknowledged;
    }

    private static byte[] EncodeAlpn(IReadOnlyList<string> protocols)
    {
        using var wire = new MemoryStream();
        foreach (string protocol in protocols)
        {
            Require(protocol.Length is > 0 and <= 255 && Ascii.IsValid(protocol), "An application protocol has 1 to 255 ASCII characters");
            wire.WriteByte((byte)protocol.Length);
            wire.Write(Encoding.ASCII.GetBytes(protocol));
        }
        Require(wire.Length <= ushort.MaxValue, "There are too many application protocols");
        return wire.ToArray();
    }

    /// <summary>Reads one certificate and nothing else; the caller frees.</summary>
    internal static nint ReadCertificate(ReadOnlySpan<byte> der, string what)
    {
        nint certificate = 0;
        // SAFETY: pinned for the call; the library copies what it reads and is bounded by the length.
        fixed (byte* start = der)
        {
            byte* position = start;
            if (start != null)
                certificate = Crypto.ReadCertificate(0, &position, der.Length);
            if (certificate != 0 && position != start + der.Length)
            {
                Crypto.CertificateFree(certificate);
                throw new TlsException($"{what} has bytes behind its end.");
            }
        }
        Require(certificate != 0, $"{what} is not a certificate in DER");
        return certificate;
    }

    private static void Require(bool isGood, string what)
    {
        if (!isGood)
            throw TlsFailure.Exception(what);
    }
}
