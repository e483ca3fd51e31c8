using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Bench.Rig.Peers;

/// <summary>Keys of the same kind as ours for the peers' two hops: one ECDSA P-256 root, a leaf for each side, all in PEM files.</summary>
internal sealed record PeerKeys(string Root, string A, string B)
{
    /// <summary>Writes <c>root.pem</c> and, with certificate and key in one file, <c>a.pem</c> and <c>b.pem</c>.</summary>
    public static PeerKeys Make(string folder)
    {
        var now = TimeProvider.System.GetUtcNow();
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bench root", rootKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(2));
        var keys = new PeerKeys(Path.Combine(folder, "root.pem"), Path.Combine(folder, "a.pem"), Path.Combine(folder, "b.pem"));
        File.WriteAllText(keys.Root, root.ExportCertificatePem() + "\n");
        foreach (var (name, file) in new[] { ("a", keys.A), ("b", keys.B) })
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var leaf = new CertificateRequest($"CN={name}.bench", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName($"{name}.bench");
            leaf.CertificateExtensions.Add(names.Build());
            using var made = leaf.Create(root, now.AddHours(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(12));
            File.WriteAllText(file, made.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        }
        return keys;
    }
}
