using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Identity;

/// <summary>A certificate authority in a few lines, for controllers of tests.</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset Epoch = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority()
    {
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=test root", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        Root = request.CreateSelfSigned(Epoch, Epoch.AddYears(50));
    }

    public X509Certificate2 Root { get; }

    /// <summary>A server's certificate with its key.</summary>
    public X509Certificate2 Server(string dnsName)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest($"CN={dnsName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(dnsName);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.Create(Root, Epoch, Epoch.AddYears(40), Serial());
        using X509Certificate2 withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>The leaf for an identity and a key.</summary>
    public byte[] Leaf(SpiffeId id, PublicKey key, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(IdentityExtension.Of(id));
        using X509Certificate2 leaf = request.Create(Root.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), notBefore, notAfter, Serial());
        return leaf.RawData;
    }

    /// <summary>A good answer to a request.</summary>
    public CertificateAnswer Answer(Protocol.Discovery.V1.CertificateRequest asked, DateTimeOffset notBefore, TimeSpan validity)
    {
        Assert.True(CertificateRequests.TryRead(asked.Csr.Span, out SpiffeId? id, out PublicKey? key, out _));
        return new CertificateAnswer
        {
            SpiffeId = asked.SpiffeId,
            Chain = { ByteString.CopyFrom(Leaf(id, key, notBefore, notBefore + validity)) },
            TrustBundle = { ByteString.CopyFrom(Root.RawData) },
        };
    }

    public void Dispose()
    {
        Root.Dispose();
        _key.Dispose();
    }

    private static byte[] Serial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(12);
        serial[0] &= 0x7F;
        return serial;
    }
}
