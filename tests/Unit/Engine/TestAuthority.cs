using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Engine;

/// <summary>A certificate authority of a test's own.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _root;

    public TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test root", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        _root = request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddHours(-1), TimeProvider.System.GetUtcNow().AddHours(4));
    }

    public byte[] RootDer => _root.RawData;

    public (byte[] Chain, byte[] Key) Issue(params string[] uris)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        foreach (string uri in uris) names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        var now = TimeProvider.System.GetUtcNow();
        using var leaf = request.Create(_root, now.AddMinutes(-5), now.AddHours(1), RandomNumberGenerator.GetBytes(8));
        return (leaf.RawData, key.ExportPkcs8PrivateKey());
    }

    public TlsSettings Settings(params string[] uris)
    {
        var (chain, key) = Issue(uris);
        return new TlsSettings { CertificateChain = [chain], PrivateKeyPkcs8 = key, TrustBundle = [RootDer], Alpn = ["h2"] };
    }

    public void Dispose() => _root.Dispose();
}
