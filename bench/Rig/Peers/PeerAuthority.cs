using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Bench.Rig.Peers;

/// <summary>A root for the bench alone, and what it signs: ECDSA P-256 throughout, as ours.</summary>
internal sealed class PeerAuthority : IDisposable
{
    private static readonly TimeSpan Backdated = TimeSpan.FromHours(1), RootLifetime = TimeSpan.FromDays(2), LeafLifetime = TimeSpan.FromDays(1);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;

    public PeerAuthority()
    {
        var request = new CertificateRequest("O=bench", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        var now = TimeProvider.System.GetUtcNow();
        _root = request.CreateSelfSigned(now - Backdated, now + RootLifetime);
    }

    /// <summary>The root, in PEM.</summary>
    public string RootPem => _root.ExportCertificatePem() + "\n";

    /// <summary>Signs a leaf for both sides of a connection.</summary>
    /// <param name="request">Subject and key.</param>
    /// <param name="names">Subject alternative names (RFC 5280, section 4.2.1.6).</param>
    public X509Certificate2 Sign(CertificateRequest request, X509Extension names)
    {
        request.CertificateExtensions.Add(names);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        var now = TimeProvider.System.GetUtcNow();
        return request.Create(_root.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), now - Backdated, now + LeafLifetime, RandomNumberGenerator.GetBytes(12));
    }

    public void Dispose()
    {
        _root.Dispose();
        _key.Dispose();
    }
}
