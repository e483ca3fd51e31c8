using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Ambient.Native.Tls;

/// <summary>
/// Reads private keys. An ECDSA P-256 key in the one form that .NET and OpenSSL write goes in by its numbers, which takes 0.03 ms; d2i tries
/// its decoders one after the other, which takes 0.5 ms, and twice the memory.
/// </summary>
internal static unsafe class TlsPrivateKey
{
    private const int KeyPair = 0x87;                      // EVP_PKEY_KEYPAIR
    private const int ScalarBytes = 32, PointBytes = 65;
    private const uint UnsignedInteger = 2, Utf8Text = 4, OctetString = 5;      // openssl/core.h

    // PrivateKeyInfo (RFC 5958) of id-ecPublicKey on prime256v1, with an ECPrivateKey (RFC 5915) up to its 32 bytes.
    private static ReadOnlySpan<byte> UpToScalar =>
    [
        0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A,
        0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x04, 0x6D, 0x30, 0x6B, 0x02, 0x01, 0x01, 0x04, 0x20,
    ];

    // Its public key: [1], a bit string of an uncompressed point.
    private static ReadOnlySpan<byte> UpToPoint => [0xA1, 0x44, 0x03, 0x42, 0x00];

    /// <summary>Reads a PKCS #8 key.</summary>
    /// <returns>An EVP_PKEY that the caller frees; 0 if it is none.</returns>
    public static nint Read(ReadOnlySpan<byte> pkcs8)
    {
        nint key = IsPlainP256(pkcs8) ? FromNumbers(pkcs8.Slice(UpToScalar.Length, ScalarBytes), pkcs8[^PointBytes..]) : 0;
        if (key != 0) return key;
        // SAFETY: pinned for the call; the library copies what it reads and is bounded by the length.
        fixed (byte* der = pkcs8)
        {
            byte* position = der;
            return der == null ? 0 : Crypto.ReadPrivateKey(0, &position, pkcs8.Length);
        }
    }

    private static bool IsPlainP256(ReadOnlySpan<byte> pkcs8) =>
        pkcs8.Length == UpToScalar.Length + ScalarBytes + UpToPoint.Length + PointBytes
        && pkcs8.StartsWith(UpToScalar) && pkcs8[(UpToScalar.Length + ScalarBytes)..].StartsWith(UpToPoint);

    private static nint FromNumbers(ReadOnlySpan<byte> scalar, ReadOnlySpan<byte> point)
    {
        nint key = 0, making = Crypto.KeyMakingNew(0, "EC", 0);
        Span<byte> number = stackalloc byte[ScalarBytes];
        scalar.CopyTo(number);
        if (BitConverter.IsLittleEndian) number.Reverse();       // OSSL_PARAM_BN(3): the machine's byte order
        // SAFETY: terminated static names, memory of this frame and pinned memory; the library copies within the call.
        fixed (byte* group = "group\0"u8, curve = "prime256v1\0"u8, own = "priv\0"u8, open = "pub\0"u8, numbers = number, points = point)
        {
            Parameter* parameters = stackalloc Parameter[4];
            parameters[0] = new Parameter(group, Utf8Text, curve, "prime256v1".Length);
            parameters[1] = new Parameter(own, UnsignedInteger, numbers, ScalarBytes);
            parameters[2] = new Parameter(open, OctetString, points, PointBytes);
            parameters[3] = default;
            if (making == 0 || Crypto.KeyMakingStart(making) != 1 || Crypto.KeyMake(making, &key, KeyPair, parameters) != 1) key = 0;
        }
        CryptographicOperations.ZeroMemory(number);
        Crypto.KeyMakingFree(making);
        return key;
    }

    /// <summary>OSSL_PARAM(3).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Parameter(byte* name, uint type, byte* data, nint bytes)
    {
        public readonly byte* Name = name;
        public readonly uint Type = type;
        public readonly byte* Data = data;
        public readonly nint Bytes = bytes;
        public readonly nint ReturnedBytes = -1;           // OSSL_PARAM_UNMODIFIED
    }
}
