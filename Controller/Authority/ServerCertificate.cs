using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Native.Tls;

namespace Ambient.Controller.Authority;

/// <summary>
/// The certificate that nodes see when they connect: from the same authority, under one name whatever the address, with a
/// new key each time, renewed at half of its validity by the next connection. Any thread may call it.
/// </summary>
/// <param name="protocol">What a client must want to speak inside (RFC 7301).</param>
internal sealed class ServerCertificate(CertificateAuthority authority, string protocol, TimeProvider time, ILogger logger)
{
    private readonly Lock _lock = new();
    private Issued? _current;
    private AuthorityKeys? _issuer;
    private DateTimeOffset _renewal;

    /// <summary>The certificate for a connection that begins now.</summary>
    internal Issued Current
    {
        get
        {
            lock (_lock)
            {
                var now = time.GetUtcNow();
                if (_current is null || now >= _renewal || !ReferenceEquals(_issuer, authority.ServerIssuer))
                {
                    var issuer = authority.ServerIssuer;
                    // Connections in the middle of a handshake still use the old one: it is left to the finalizer.
                    _current = Issue(issuer, out var notAfter);
                    _issuer = issuer;
                    _renewal = now + ((notAfter - now) / 2);
                    logger.ServerCertificateRenewed(notAfter);
                }
                return _current;
            }
        }
    }

    private Issued Issue(AuthorityKeys issuer, out DateTimeOffset notAfter)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var leaf = authority.IssueServer(issuer, new PublicKey(key));
        notAfter = new DateTimeOffset(leaf.NotAfter.ToUniversalTime());
        byte[] secret = key.ExportPkcs8PrivateKey();
        try
        {
            return new Issued(leaf, TlsContext.Server(new TlsSettings
            {
                CertificateChain = [leaf.RawData, .. issuer.Intermediates.Select(certificate => (ReadOnlyMemory<byte>)certificate.RawData)],
                PrivateKeyPkcs8 = secret,
                TrustBundle = [],
                DemandsCertificate = false,
                Alpn = [protocol],
                Tickets = 0,            // whoever comes back comes to another controller, mostly
            }));
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <param name="Certificate">What nodes see.</param>
    /// <param name="Context">What a connection is answered with.</param>
    internal sealed record Issued(X509Certificate2 Certificate, TlsContext Context);
}
