using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

/// <summary>A P-256 key as .NET writes it is read by its numbers; every other form that PKCS #8 allows is read as well.</summary>
public sealed class TlsPrivateKeyTests
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    [Fact]
    public void A_P256_key_signs_as_dotnet_writes_it()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AssertSigns(key, key.ExportPkcs8PrivateKey());
    }

    [Fact]
    public void A_P256_key_whose_number_begins_with_zeros_signs()
    {
        ECDsa key;
        do key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        while (key.ExportParameters(true).D![0] != 0);
        using (key) AssertSigns(key, key.ExportPkcs8PrivateKey());
    }

    [Fact]
    public void A_P256_key_without_its_public_half_signs()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        AssertSigns(key, Pkcs8(writer =>
        {
            writer.WriteInteger(1);
            writer.WriteOctetString(key.ExportParameters(true).D!);
        }));
    }

    [Fact]
    public void A_key_of_another_curve_signs()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        AssertSigns(key, key.ExportPkcs8PrivateKey());
    }

    [Fact]
    public void A_key_with_the_public_half_of_another_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] mixed = key.ExportPkcs8PrivateKey();
        other.ExportPkcs8PrivateKey()[^65..].CopyTo(mixed, mixed.Length - 65);

        Assert.Throws<TlsException>(() => TlsContext.Server(SettingsOf(key, mixed)));
    }

    private static void AssertSigns(ECDsa key, byte[] pkcs8)
    {
        var settings = SettingsOf(key, pkcs8);
        using var client = TlsContext.Client(settings);
        using var server = TlsContext.Server(settings);
        using var pair = TlsPair.Established(client, server);
        Assert.True(pair.Client.VerifyPeerChain(out _) && pair.Server.VerifyPeerChain(out _));
    }

    private static TlsSettings SettingsOf(ECDsa key, byte[] pkcs8)
    {
        var request = new CertificateRequest("CN=self", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(Now.AddHours(-1), Now.AddHours(1));
        return new TlsSettings { CertificateChain = [certificate.RawData], PrivateKeyPkcs8 = pkcs8, TrustBundle = [certificate.RawData], Alpn = ["h2"] };
    }

    private static byte[] Pkcs8(Action<AsnWriter> ecPrivateKey)
    {
        var inner = new AsnWriter(AsnEncodingRules.DER);
        using (inner.PushSequence()) ecPrivateKey(inner);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier("1.2.840.10045.2.1");
                writer.WriteObjectIdentifier("1.2.840.10045.3.1.7");
            }
            writer.WriteOctetString(inner.Encode());
        }
        return writer.Encode();
    }
}
