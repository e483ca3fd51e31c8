using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Protocol.Identity;

namespace Ambient.Protocol.Certificates;

/// <summary>
/// Certificate signing requests as they cross our wire: PKCS#10 in DER, an ECDSA P-256 key, SHA-256, an empty subject
/// and one URI as subject alternative name. Source: RFC 2986; X509-SVID specification section 4.
/// </summary>
public static class CertificateRequests
{
    /// <summary>Largest request that is looked at, in bytes. Ours have about 250.</summary>
    public const int MaxLength = 4096;

    private const string EcPublicKey = "1.2.840.10045.2.1";

    /// <summary>Makes a request that is signed with the key that it asks a certificate for.</summary>
    /// <param name="key">An ECDSA P-256 key pair; stays the caller's.</param>
    public static byte[] Create(ECDsa key, SpiffeId id)
    {
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(IdentityExtension.Of(id));
        return request.CreateSigningRequest();
    }

    /// <summary>
    /// Reads a request of an untrusted sender and checks that the sender holds the key. Only the identity and the key
    /// are handed on; whatever else a request asks for (usages, lifetimes, being an authority) is dropped.
    /// </summary>
    /// <param name="reason">Why the request is no good, for a person; null on success.</param>
    public static bool TryRead(ReadOnlySpan<byte> der, [NotNullWhen(true)] out SpiffeId? id,
        [NotNullWhen(true)] out PublicKey? key, [NotNullWhen(false)] out string? reason)
    {
        id = null;
        key = null;
        if (der.Length > MaxLength)
        {
            reason = $"the request is longer than {MaxLength} bytes";
            return false;
        }

        CertificateRequest request;
        try
        {
            // "Unsafe" is about copying a requester's extensions into a certificate unread, which nothing here does.
            // Loading checks the signature with the key of the request.
            request = CertificateRequest.LoadSigningRequest(der, HashAlgorithmName.SHA256, out var consumed,
                CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
            if (consumed != der.Length)
            {
                reason = "the request is followed by other bytes";
                return false;
            }
        }
        catch (Exception e) when (e is CryptographicException or NotSupportedException)
        {
            reason = "the request is no PKCS#10 request, or is not signed with its own key";
            return false;
        }

        if (!IsP256(request.PublicKey))
        {
            reason = "the key of the request is not ECDSA P-256";
            return false;
        }
        if (!IdentityExtension.TryRead(request.CertificateExtensions, out id, out reason))
            return false;
        key = request.PublicKey;
        return true;
    }

    private static bool IsP256(PublicKey key)
    {
        if (key.Oid.Value != EcPublicKey)
            return false;
        try
        {
            using var ecdsa = key.GetECDsaPublicKey();
            return ecdsa is not null && Curves.IsP256(ecdsa);
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
