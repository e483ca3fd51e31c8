using System.Security.Cryptography;
using Ambient.Protocol.Orders;

namespace Ambient.Controller.Authority;

/// <summary>The key of capture orders: apart from the authority's, so that neither can be made to sign for the other.</summary>
internal static class OrderKeys
{
    internal const string PrivateFile = "order-private-key.pem";
    internal const string PublicFile = "order-key.pem";

    /// <summary>Reads the key, or makes one; writes its public half beside it for Redirectors.</summary>
    /// <exception cref="AuthorityException">The entry holds something else.</exception>
    internal static OrderSigner OfState(IStateStore state)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (state.TryRead(PrivateFile) is { } pem)
        {
            try
            {
                key.ImportFromPem(pem);
            }
            catch (Exception e) when (e is ArgumentException or CryptographicException)
            {
                throw new AuthorityException($"{state.Place}, {PrivateFile}: expected an EC private key in PEM ({e.Message})");
            }
        }
        else
        {
            state.WritePrivate(PrivateFile, key.ExportPkcs8PrivateKeyPem());
        }
        var publicPem = key.ExportSubjectPublicKeyInfoPem();
        if (state.TryRead(PublicFile)?.Trim() != publicPem)
            state.WritePublic(PublicFile, publicPem + "\n");
        return new OrderSigner(key);
    }
}
