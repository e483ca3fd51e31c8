using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Identity;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Ambient.Tests.Unit.Certificates;

public sealed class CertificateRequestsTests
{
    private static readonly SpiffeId Cart = SpiffeId.Of("cluster.local", "shop", "cart");

    [Fact]
    public void A_request_names_the_identity_and_carries_the_key_of_its_maker()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Assert.True(CertificateRequests.TryRead(CertificateRequests.Create(key, Cart), out var id, out var publicKey, out _));

        Assert.Equal(Cart, id);
        Assert.Equal(key.ExportSubjectPublicKeyInfo(), publicKey.ExportSubjectPublicKeyInfo());
    }

    [Fact]
    public void A_request_with_any_single_byte_changed_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var der = CertificateRequests.Create(key, Cart);
        for (var i = 0; i < der.Length; i++)
        {
            var changed = (byte[])der.Clone();
            changed[i] ^= 0x01;
            Assert.False(CertificateRequests.TryRead(changed, out _, out _, out var reason), $"byte {i}");
            Assert.NotEmpty(reason);
        }
    }

    [Fact]
    public void Garbage_is_refused_without_an_exception() =>
        Prop.ForAll<byte[]>(bytes => !CertificateRequests.TryRead(bytes, out _, out _, out var reason) && reason.Length > 0)
            .QuickCheckThrowOnFailure();

    [Fact]
    public void Bytes_after_the_request_are_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.False(CertificateRequests.TryRead([.. CertificateRequests.Create(key, Cart), 0], out _, out _, out var reason));
        Assert.Contains("followed by other bytes", reason);
    }

    [Fact]
    public void A_request_that_is_too_long_is_refused_unread()
    {
        Assert.False(CertificateRequests.TryRead(new byte[CertificateRequests.MaxLength + 1], out _, out _, out var reason));
        Assert.Contains("longer than", reason);
    }

    [Fact]
    public void Another_curve_and_another_kind_of_key_are_refused()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        var withP384 = new CertificateRequest(new X500DistinguishedName(""), p384, HashAlgorithmName.SHA256);
        withP384.CertificateExtensions.Add(IdentityExtension.Of(Cart));
        var withRsa = new CertificateRequest(new X500DistinguishedName(""), rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        withRsa.CertificateExtensions.Add(IdentityExtension.Of(Cart));

        foreach (var der in new[] { withP384.CreateSigningRequest(), withRsa.CreateSigningRequest() })
        {
            Assert.False(CertificateRequests.TryRead(der, out _, out _, out var reason));
            Assert.Contains("not ECDSA P-256", reason);
        }
    }

    [Fact]
    public void A_request_must_have_exactly_one_name_and_that_a_SPIFFE_uri()
    {
        AssertRefused("no subject alternative name");
        AssertRefused("more than one name", Names(("spiffe://cluster.local/ns/a/sa/b", 6), ("spiffe://cluster.local/ns/a/sa/c", 6)));
        AssertRefused("more than one name", Names(("spiffe://cluster.local/ns/a/sa/b", 6), ("example.com", 2)));
        AssertRefused("no URI", Names(("example.com", 2)));
        AssertRefused("spiffe://", Names(("https://example.com/ns/a/sa/b", 6)));
        AssertRefused("several", Names(("spiffe://cluster.local/ns/a/sa/b", 6)), Names(("spiffe://cluster.local/ns/a/sa/b", 6)));
    }

    private static void AssertRefused(string expected, params X509Extension[] extensions)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        foreach (var extension in extensions)
            request.CertificateExtensions.Add(extension);

        Assert.False(CertificateRequests.TryRead(request.CreateSigningRequest(), out _, out _, out var reason));
        Assert.Contains(expected, reason);
    }

    private static X509Extension Names(params (string Text, int Tag)[] names)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (var (text, tag) in names)
                writer.WriteCharacterString(UniversalTagNumber.IA5String, text, new Asn1Tag(TagClass.ContextSpecific, tag));
        }
        return new X509Extension(IdentityExtension.Oid, writer.Encode(), critical: false);
    }
}
