using System.Security.Cryptography;

namespace Ambient.Protocol.Certificates;

/// <summary>Tells the one curve of the mesh from others of the same size.</summary>
internal static class Curves
{
    private const string P256 = "1.2.840.10045.3.1.7";

    internal static bool IsP256(ECDsa key)
    {
        if (key.KeySize != 256)
            return false;
        var curve = key.ExportParameters(includePrivateParameters: false).Curve;
        return curve.IsNamed && (curve.Oid.Value == P256 || curve.Oid.FriendlyName is "nistP256" or "ECDSA_P256");
    }
}
