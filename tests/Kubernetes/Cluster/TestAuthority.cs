using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>The certificates of one API server: its own, and those of clients, whose subject is user and groups (CN and O).</summary>
internal sealed class TestAuthority : IDisposable
{
    private static readonly TimeSpan Validity = TimeSpan.FromDays(1);
    private readonly X509Certificate2 _root;

    internal TestAuthority(TimeProvider time)
    {
        From = time.GetUtcNow().AddMinutes(-5);
        var request = new CertificateRequest("CN=ambient-test-ca", ECDsa.Create(ECCurve.NamedCurves.nistP256), HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature, true));
        _root = request.CreateSelfSigned(From, From + Validity);

        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("kubernetes.default.svc");
        names.AddIpAddress(IPAddress.Loopback);
        Server = Issue("CN=kube-apiserver", "1.3.6.1.5.5.7.3.1", names.Build());
    }

    internal string RootPem => _root.ExportCertificatePem();

    /// <summary>With its private key.</summary>
    internal X509Certificate2 Server { get; }

    private DateTimeOffset From { get; }

    /// <summary>A client's certificate, with its private key.</summary>
    internal X509Certificate2 Client(string user, params string[] groups) =>
        Issue(string.Join(", ", groups.Select(g => $"O={g}").Append($"CN={user}")), "1.3.6.1.5.5.7.3.2", names: null);

    internal static string KeyPem(X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    internal bool Issued(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }

    /// <summary>The organizations in a certificate's subject.</summary>
    internal static IEnumerable<string> GroupsOf(X509Certificate2 certificate) => certificate.SubjectName.EnumerateRelativeDistinguishedNames()
        .Where(part => part.GetSingleElementType().Value == "2.5.4.10").Select(part => part.GetSingleElementValue()!);

    public void Dispose()
    {
        _root.Dispose();
        Server.Dispose();
    }

    private X509Certificate2 Issue(string subject, string usage, X509Extension? names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        if (names is not null)
            request.CertificateExtensions.Add(names);
        using var certificate = request.Create(_root, From, From + Validity, RandomNumberGenerator.GetBytes(12));
        return certificate.CopyWithPrivateKey(key);
    }
}
