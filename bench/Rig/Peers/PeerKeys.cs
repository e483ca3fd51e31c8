using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Bench.Rig.Peers;

/// <summary>Keys of the same kind as ours for a peer's two hops: an ECDSA P-256 root, a leaf for each side, all in PEM files.</summary>
/// <param name="Root">The root alone.</param>
/// <param name="A">Certificate and key of the hop at the client.</param>
/// <param name="B">Those of the hop at the server.</param>
/// <param name="ServerName">What the latter's certificate says.</param>
internal sealed record PeerKeys(string Root, string A, string B, string ServerName)
{
    /// <summary>Makes several pairs of leaves under one root.</summary>
    public static ImmutableArray<PeerKeys> Make(string folder, int pairs)
    {
        folder = Directory.CreateDirectory(Path.Combine(folder, $"keys-{Guid.NewGuid():n}")).FullName;
        using var authority = new PeerAuthority();
        var rootFile = Path.Combine(folder, "root.pem");
        File.WriteAllText(rootFile, authority.RootPem);
        return [.. Enumerable.Range(0, pairs).Select(i => new PeerKeys(rootFile, Leaf($"a{i}"), Leaf($"b{i}"), $"b{i}.bench"))];

        string Leaf(string name)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName($"{name}.bench");
            using var made = authority.Sign(new CertificateRequest($"CN={name}.bench", key, HashAlgorithmName.SHA256), names.Build());
            var file = Path.Combine(folder, $"{name}.pem");
            File.WriteAllText(file, made.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
            return file;
        }
    }
}
