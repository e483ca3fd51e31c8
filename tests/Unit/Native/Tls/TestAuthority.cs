using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

/// <summary>A certificate authority for tests: P-256, in memory, valid around now.</summary>
internal sealed class TestAuthority
{
    private const string ServerAuth = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuth = "1.3.6.1.5.5.7.3.2";
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly X509Certificate2 _certificate;
    private readonly ReadOnlyMemory<byte>[] _chain;

    public TestAuthority(string name = "root", TestAuthority? issuer = null)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _certificate = issuer is null
            ? request.CreateSelfSigned(Now.AddDays(-10), Now.AddDays(10))
            : request.Create(issuer._certificate, Now.AddDays(-5), Now.AddDays(5), RandomNumberGenerator.GetBytes(8)).CopyWithPrivateKey(key);
        _chain = issuer is null ? [] : [_certificate.RawData, .. issuer._chain];
    }

    public ReadOnlyMemory<byte> Root => _certificate.RawData;

    /// <summary>Settings of a workload that this authority vouches for and that trusts <paramref name="trusts"/>, itself by default.</summary>
    public TlsSettings Issue(
        string[]? uris = null, TestAuthority? trusts = null, string[]? alpn = null, int tickets = 2,
        DateTimeOffset? notBefore = null, DateTimeOffset? notAfter = null, bool client = true, bool server = true, bool rsa = false,
        byte[]? rawUri = null)
    {
        using var ecKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsaKey = RSA.Create(2048);
        var request = rsa
            ? new CertificateRequest("", rsaKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pss)
            : new CertificateRequest("", ecKey, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("not-a-uri.example");
        foreach (string uri in uris ?? ["spiffe://cluster.local/ns/shop/sa/cart"])
            names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(rawUri is null ? names.Build(critical: true) : Uri(rawUri));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        var purposes = new OidCollection();
        if (server) purposes.Add(new Oid(ServerAuth));
        if (client) purposes.Add(new Oid(ClientAuth));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(purposes, false));
        using var leaf = request.Create(
            _certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_certificate.GetECDsaPrivateKey()!),
            notBefore ?? Now.AddHours(-1), notAfter ?? Now.AddDays(2), RandomNumberGenerator.GetBytes(8));
        return new TlsSettings
        {
            CertificateChain = [leaf.RawData, .. _chain],
            PrivateKeyPkcs8 = rsa ? rsaKey.ExportPkcs8PrivateKey() : ecKey.ExportPkcs8PrivateKey(),
            TrustBundle = [(trusts ?? this).Root],
            Alpn = alpn ?? ["h2"],
            Tickets = tickets,
        };
    }

    // The builder takes no URI that is none.
    private static X509Extension Uri(byte[] bytes)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
            writer.WriteOctetString(bytes, new Asn1Tag(TagClass.ContextSpecific, 6));
        return new X509Extension("2.5.29.17", writer.Encode(), critical: true);
    }
}
