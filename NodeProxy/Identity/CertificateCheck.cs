using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Identity;

/// <summary>
/// Checks certificates of our own before they are used: what the controller answered, and what a process before this one left. A bad one
/// would only show when peers refuse the pod, far from its cause.
/// </summary>
internal static class CertificateCheck
{
    /// <summary>Checks an answer of the controller.</summary>
    /// <param name="bundle">The roots in force, used if the answer brings none.</param>
    public static bool TryAccept(
        CertificateAnswer answer,
        SpiffeId id,
        ECDsa key,
        ImmutableArray<byte[]> bundle,
        DateTimeOffset now,
        [NotNullWhen(true)] out Svid? svid,
        [NotNullWhen(false)] out string? reason)
    {
        svid = null;
        if (answer.Refusal.Length > 0)
        {
            reason = $"the controller refuses: {answer.Refusal}";
            return false;
        }
        ImmutableArray<byte[]> roots = answer.TrustBundle.Count > 0 ? [.. answer.TrustBundle.Select(root => root.ToByteArray())] : bundle;
        return TryMake(id, [.. answer.Chain.Select(certificate => certificate.ToByteArray())], key, roots, now, out svid, out reason);
    }

    /// <summary>Makes an SVID (generation 0) of parts that fit: the leaf is of this identity and key, and leads to a root now.</summary>
    public static bool TryMake(
        SpiffeId id,
        ImmutableArray<byte[]> chain,
        ECDsa key,
        ImmutableArray<byte[]> roots,
        DateTimeOffset now,
        [NotNullWhen(true)] out Svid? svid,
        [NotNullWhen(false)] out string? reason)
    {
        svid = null;
        var certificates = new X509Certificate2Collection();
        try
        {
            foreach (byte[] certificate in chain)
                certificates.Add(X509CertificateLoader.LoadCertificate(certificate));
            reason = certificates.Count == 0 ? "there is no certificate" : FaultOf(id, certificates, key, roots, now);
            if (reason is not null)
                return false;
            X509Certificate2 leaf = certificates[0];
            svid = new Svid(id, 0, chain, key.ExportPkcs8PrivateKey(), leaf.NotBefore.ToUniversalTime(), leaf.NotAfter.ToUniversalTime(), roots);
            return true;
        }
        catch (Exception fault) when (fault is CryptographicException or PlatformNotSupportedException or ArgumentException)
        {
            reason = $"a certificate cannot be read: {fault.Message}";
            return false;
        }
        finally
        {
            foreach (X509Certificate2 certificate in certificates)
                certificate.Dispose();
        }
    }

    /// <summary>Whether a certificate of ours leads to one of the roots that it is held with, so that peers with the same roots accept it.</summary>
    public static bool LeadsToRoot(Svid svid, DateTimeOffset now)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            foreach (byte[] certificate in svid.Chain)
                chain.Add(X509CertificateLoader.LoadCertificate(certificate));
            return ChainFaultOf(chain, svid.TrustBundle, now) is null;
        }
        finally
        {
            foreach (X509Certificate2 certificate in chain)
                certificate.Dispose();
        }
    }

    private static string? FaultOf(SpiffeId id, X509Certificate2Collection chain, ECDsa key, ImmutableArray<byte[]> roots, DateTimeOffset now)
    {
        X509Certificate2 leaf = chain[0];
        if (!IdentityExtension.TryRead(leaf.Extensions, out SpiffeId? named, out string? reason))
            return $"the certificate names no identity: {reason}";
        if (!named.Equals(id))
            return $"the certificate is for {named}";
        if (!leaf.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
            return "the certificate is for another key";
        // The chain would say "NotTimeValid" of either, and nobody would think of a clock.
        DateTimeOffset from = leaf.NotBefore.ToUniversalTime(), until = leaf.NotAfter.ToUniversalTime();
        if (now < from)
            return $"the certificate is valid from {from:O} and it is {now:O} here: this node's clock is {(from - now).TotalSeconds:0} s behind the controller's, or more";
        if (now > until)
            return $"the certificate was valid until {until:O} and it is {now:O} here: does this node's clock run ahead of the controller's?";
        return ChainFaultOf(chain, roots, now);
    }

    private static string? ChainFaultOf(X509Certificate2Collection chain, ImmutableArray<byte[]> roots, DateTimeOffset now)
    {
        using var builder = new X509Chain();
        builder.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        builder.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        builder.ChainPolicy.DisableCertificateDownloads = true;
        builder.ChainPolicy.VerificationTime = now.LocalDateTime;   // the time of this process's clock, which a test may have set
        builder.ChainPolicy.ExtraStore.AddRange(chain);
        foreach (byte[] root in roots)
            builder.ChainPolicy.CustomTrustStore.Add(X509CertificateLoader.LoadCertificate(root));
        bool isGood = builder.Build(chain[0]);
        string status = string.Join(", ", builder.ChainStatus.Select(s => s.Status).Distinct());
        foreach (X509ChainElement element in builder.ChainElements)
            element.Certificate.Dispose();
        foreach (X509Certificate2 root in builder.ChainPolicy.CustomTrustStore)
            root.Dispose();
        return isGood ? null : $"the certificate does not lead to a root of the mesh now ({status})";
    }
}
