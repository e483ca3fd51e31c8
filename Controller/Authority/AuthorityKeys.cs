using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Controller.Authority;

/// <summary>The certificate and the key that leaves are signed with, and the roots that they lead to.</summary>
/// <param name="Issuer">Signs leaves; a root, or an intermediate of one.</param>
/// <param name="Intermediates">Between leaf and root, nearest to the leaf first; empty if a root signs.</param>
internal sealed record AuthorityKeys(X509Certificate2 Issuer, AsymmetricAlgorithm Key, ImmutableArray<X509Certificate2> Intermediates,
    ImmutableArray<X509Certificate2> Roots)
{
    internal const string KeyFile = "ca-key.pem";
    internal const string CertificateFile = "ca-cert.pem";
    private static readonly TimeSpan RootLifetime = TimeSpan.FromDays(3650);

    /// <summary>What the controller's own server certificate is signed with, where that is not the issuer of leaves.</summary>
    internal AuthorityKeys? ForServer { get; init; }

    /// <summary>Reads the roots that are kept (see <see cref="RootRotation"/>), or makes one on the first start.</summary>
    /// <exception cref="AuthorityException">One of the two entries is missing, or they are no such pair.</exception>
    internal static AuthorityKeys OfState(IStateStore state, DateTimeOffset now)
    {
        var key = state.TryRead(KeyFile);
        var certificate = state.TryRead(CertificateFile);
        if (key is null && certificate is null)
            return Make(state, KeyFile, CertificateFile, now);
        if (key is null || certificate is null)
        {
            throw new AuthorityException($"{state.Place} holds {(key is null ? CertificateFile : KeyFile)} without "
                + $"{(key is null ? KeyFile : CertificateFile)}: put the other back, or remove both for a new authority");
        }
        var current = Read(certificate, key, state.Place);
        var previous = state.TryRead(RootRotation.PreviousCertificate) is { } old && state.TryRead(RootRotation.PreviousKey) is { } oldKey
            ? Read(old, oldKey, $"{state.Place}, {RootRotation.PreviousCertificate}")
            : null;
        var next = state.TryRead(RootRotation.NextCertificate) is { } added ? Roots(added) : [];
        return current with
        {
            ForServer = previous,
            Roots = [.. current.Roots.Concat(previous?.Roots ?? []).Concat(next).DistinctBy(root => root.Thumbprint)],
        };

        ImmutableArray<X509Certificate2> Roots(string pem)
        {
            var found = new X509Certificate2Collection();
            found.ImportFromPem(pem);
            return [.. found];
        }
    }

    /// <summary>Reads an authority that was given: a certificate, then its intermediates if any, then its root; and its key.</summary>
    /// <param name="where">For messages.</param>
    /// <exception cref="AuthorityException">The texts are no such pair.</exception>
    internal static AuthorityKeys Read(string certificatePem, string keyPem, string where)
    {
        var chain = new X509Certificate2Collection();
        AsymmetricAlgorithm key;
        try
        {
            chain.ImportFromPem(certificatePem);
            key = AuthorityPrivateKey.Read(keyPem);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            throw new AuthorityException($"{where}: expected a certificate and an EC or RSA private key in PEM ({e.Message})");
        }
        if (chain.Count == 0)
            throw new AuthorityException($"{where}: expected a certificate in PEM");

        var issuer = chain[0];
        if (!issuer.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
            throw new AuthorityException($"{where}: the private key does not belong to the first certificate");
        if (issuer.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is not { CertificateAuthority: true })
            throw new AuthorityException($"{where}: the first certificate is no authority (basic constraints)");
        if (!issuer.Extensions.OfType<X509KeyUsageExtension>().All(u => u.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign)))
            throw new AuthorityException($"{where}: the first certificate may not sign certificates (key usage)");
        if (issuer.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault() is null)
            throw new AuthorityException($"{where}: the first certificate has no subject key identifier");

        var roots = chain.Where(IsSelfSigned).DistinctBy(c => c.Thumbprint).ToImmutableArray();
        if (roots.IsEmpty)
            throw new AuthorityException($"{where}: expected the file of the certificate to end with its root");
        var intermediates = chain.Where(c => !IsSelfSigned(c)).DistinctBy(c => c.Thumbprint).ToImmutableArray();
        CheckChain(issuer, roots, intermediates, where);
        return new AuthorityKeys(issuer, key, intermediates, roots);
    }

    /// <summary>Makes a root.</summary>
    internal static AuthorityKeys Make(IStateStore state, string keyFile, string certificateFile, DateTimeOffset now)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var name = new X500DistinguishedName($"O=ambient, CN=ambient root {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}");
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        // An hour back: nodes with slow clocks must be able to join the mesh that was made a moment ago.
        var root = request.CreateSelfSigned(now.AddHours(-1), now.Add(RootLifetime));

        // The key first: a certificate without its key would be reported as damage, a key alone as well, but never used.
        state.WritePrivate(keyFile, key.ExportPkcs8PrivateKeyPem());
        state.WritePublic(certificateFile, root.ExportCertificatePem());
        return new AuthorityKeys(root, key, [], [root]);
    }

    private static void CheckChain(X509Certificate2 issuer, ImmutableArray<X509Certificate2> roots,
        ImmutableArray<X509Certificate2> intermediates, string where)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots.ToArray());
        chain.ChainPolicy.ExtraStore.AddRange(intermediates.ToArray());
        if (!chain.Build(issuer))
        {
            throw new AuthorityException($"{where}: the first certificate does not lead to a root of the same file: "
                + string.Join(", ", chain.ChainStatus.Select(s => s.StatusInformation.Trim())));
        }
    }

    private static bool IsSelfSigned(X509Certificate2 certificate) =>
        certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}

/// <summary>The keys of the controller cannot be used; the message says which and what to do. Ends the start.</summary>
internal sealed class AuthorityException(string message) : Exception(message);
