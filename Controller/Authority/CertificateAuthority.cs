using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Identity;

namespace Ambient.Controller.Authority;

/// <summary>
/// Issues leaf certificates: X.509-SVIDs for workloads and the controller's own server certificate. Whether somebody may
/// have one is decided elsewhere. Its keys may be replaced while it works. Any thread may call it.
/// </summary>
/// <param name="leafLifetime">From now to the end of a leaf; shorter where the issuer ends before.</param>
internal sealed class CertificateAuthority(AuthorityKeys initial, TimeSpan leafLifetime, TimeProvider time)
{
    /// <summary>The name that nodes expect of the controller whatever address they dial.</summary>
    internal const string ServerName = "ambient-controller";

    private static readonly TimeSpan MaxBackdate = TimeSpan.FromMinutes(1);
    private static readonly Oid ServerAuth = new("1.3.6.1.5.5.7.3.1");
    private static readonly Oid ClientAuth = new("1.3.6.1.5.5.7.3.2");
    private readonly Lock _lock = new();
    private volatile AuthorityKeys _keys = initial;

    /// <summary>What is in force.</summary>
    internal AuthorityKeys Keys => _keys;

    /// <summary>Who signs leaves, for people.</summary>
    internal string Issuer => _keys.Issuer.Subject;

    /// <summary>The roots, DER.</summary>
    internal ImmutableArray<byte[]> TrustBundle => [.. _keys.Roots.Select(r => r.RawData)];

    /// <summary>The roots, PEM, one behind another.</summary>
    internal string TrustBundlePem => string.Concat(_keys.Roots.Select(r => r.ExportCertificatePem() + "\n"));

    /// <summary>Whether a leaf can still be signed that is good for a while.</summary>
    internal bool IsExpired => time.GetUtcNow() >= EndOf(_keys);

    /// <summary>What signs server certificates now; another object once that has changed.</summary>
    internal AuthorityKeys ServerIssuer => _keys.ForServer ?? _keys;

    /// <summary>Signs with these keys from now on, and names their roots.</summary>
    internal void Replace(AuthorityKeys keys) => _keys = keys;

    /// <summary>Issues a workload's certificate.</summary>
    /// <returns>The leaf, then what stands between it and the root.</returns>
    internal ImmutableArray<X509Certificate2> Issue(SpiffeId id, PublicKey key)
    {
        var keys = _keys;
        return [Issue(keys, key, IdentityExtension.Of(id), [ServerAuth, ClientAuth]), .. keys.Intermediates];
    }

    /// <summary>Issues the controller's own server certificate.</summary>
    internal X509Certificate2 IssueServer(AuthorityKeys issuer, PublicKey key)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(ServerName);
        return Issue(issuer, key, names.Build(critical: true), [ServerAuth]);
    }

    private X509Certificate2 Issue(AuthorityKeys keys, PublicKey key, X509Extension name, OidCollection usages)
    {
        // X509-SVID section 4: digitalSignature, no authority; RFC 5280 section 4.1.2.2: a serial of at most 20 bytes, positive.
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(usages, critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(key, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(keys.Issuer, true, false));
        request.CertificateExtensions.Add(name);

        var (notBefore, notAfter) = Validity(keys, time.GetUtcNow());
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7f) | 0x40);
        lock (_lock)
            return request.Create(keys.Issuer.SubjectName, AuthorityPrivateKey.GeneratorOf(keys.Key), notBefore, notAfter, serial);
    }

    private (DateTimeOffset NotBefore, DateTimeOffset NotAfter) Validity(AuthorityKeys keys, DateTimeOffset now)
    {
        // Back-dated for peers with slow clocks, but never by so much that half of the validity, when holders renew, is already over.
        var backdate = TimeSpan.FromTicks(Math.Min(MaxBackdate.Ticks, leafLifetime.Ticks / 10));
        var notBefore = now - backdate;
        var notAfter = now + leafLifetime;
        var first = new DateTimeOffset(keys.Issuer.NotBefore.ToUniversalTime());
        var last = EndOf(keys);
        return (notBefore < first ? first : notBefore, notAfter > last ? last : notAfter);
    }

    private static DateTimeOffset EndOf(AuthorityKeys keys) => new(keys.Issuer.NotAfter.ToUniversalTime());
}
