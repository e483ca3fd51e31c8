using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ambient.Controller.Authority;

/// <summary>The private key of an authority: EC where we make it; RSA as well where it is given, since cert-manager makes RSA keys unless told otherwise.</summary>
internal static class AuthorityPrivateKey
{
    // Below this length nobody's TLS library takes what it signs.
    private const int LeastRsaBits = 2048;

    /// <summary>Reads a key in PEM: PKCS #8, SEC 1 (EC) or PKCS #1 (RSA).</summary>
    /// <exception cref="CryptographicException">The text is no such key.</exception>
    /// <exception cref="ArgumentException">The text holds no key, or several.</exception>
    internal static AsymmetricAlgorithm Read(string pem)
    {
        var ec = ECDsa.Create();
        try
        {
            ec.ImportFromPem(pem);
            return ec;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            ec.Dispose();
        }
        var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
            return rsa.KeySize >= LeastRsaBits ? rsa : throw new CryptographicException($"an RSA key of {rsa.KeySize} bits is too short: at least {LeastRsaBits}");
        }
        catch
        {
            rsa.Dispose();
            throw;
        }
    }

    /// <summary>What signs certificates with it, by SHA-256.</summary>
    internal static X509SignatureGenerator GeneratorOf(AsymmetricAlgorithm key) => key switch
    {
        ECDsa ec => X509SignatureGenerator.CreateForECDsa(ec),
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1),
        _ => throw new UnreachableException(),
    };
}
