namespace Ambient.Native.Tls;

/// <summary>What one side of a TLS 1.3 connection is and whom it trusts. Copied by the context; the caller may wipe the key afterwards.</summary>
public sealed record TlsSettings
{
    /// <summary>Own certificate and its intermediates as DER, leaf first, without the root.</summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> CertificateChain { get; init; }

    /// <summary>The leaf's private key, PKCS #8 without a password (RFC 5958).</summary>
    public required ReadOnlyMemory<byte> PrivateKeyPkcs8 { get; init; }

    /// <summary>Certificates that end a peer's chain, as DER. Each is trusted as it is, also one that another authority signed.</summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> TrustBundle { get; init; }

    /// <summary>Protocols in order of preference, 1 to 255 ASCII characters each (RFC 7301). None means that the extension is not used.</summary>
    public required IReadOnlyList<string> Alpn { get; init; }

    /// <summary>Whether a server demands a certificate of every client, and checks it. Where it does not, the bundle is not used; no effect on a client.</summary>
    public bool DemandsCertificate { get; init; } = true;

    /// <summary>Resumption tickets that a server sends after a full handshake; a resumed one renews one. 0 to 4; no effect on a client.</summary>
    public int Tickets { get; init; } = 2;
}
