using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Controller.Authority;

/// <summary>
/// The certificate that nodes see when they connect: from the same authority, under one name whatever the address, with a
/// new key each time, renewed at half of its validity by the next connection. Any thread may call it.
/// </summary>
internal sealed class ServerCertificate(CertificateAuthority authority, TimeProvider time, ILogger logger)
{
    private readonly Lock _lock = new();
    private SslStreamCertificateContext? _current;
    private AuthorityKeys? _issuer;
    private DateTimeOffset _renewal;

    /// <summary>The certificate for a connection that begins now.</summary>
    internal SslStreamCertificateContext Current
    {
        get
        {
            lock (_lock)
            {
                var now = time.GetUtcNow();
                if (_current is null || now >= _renewal || !ReferenceEquals(_issuer, authority.ServerIssuer))
                {
                    _issuer = authority.ServerIssuer;
                    // Connections in the middle of a handshake still use the old one: it is left to the finalizer.
                    _current = Issue(_issuer, out var notAfter);
                    _renewal = now + ((notAfter - now) / 2);
                    logger.ServerCertificateRenewed(notAfter);
                }
                return _current;
            }
        }
    }

    private SslStreamCertificateContext Issue(AuthorityKeys issuer, out DateTimeOffset notAfter)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var leaf = authority.IssueServer(issuer, new PublicKey(key));
        notAfter = new DateTimeOffset(leaf.NotAfter.ToUniversalTime());
        return SslStreamCertificateContext.Create(leaf.CopyWithPrivateKey(key), [.. issuer.Intermediates], offline: true);
    }
}
