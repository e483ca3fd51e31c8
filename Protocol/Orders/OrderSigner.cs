using System.Security.Cryptography;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Protocol.Orders;

/// <summary>Signs capture orders. Owned by the controller, which alone holds the key. Any thread may sign.</summary>
public sealed class OrderSigner
{
    // A signature made for orders can never pass for anything else that the same key might be made to sign.
    internal static ReadOnlySpan<byte> Context => "ambient-order-v1\0"u8;

    private readonly Lock _lock = new();
    private readonly ECDsa _key;

    /// <param name="key">An ECDSA P-256 key pair; stays the caller's.</param>
    /// <exception cref="ArgumentException">The key is of another kind.</exception>
    public OrderSigner(ECDsa key)
    {
        if (!Curves.IsP256(key))
            throw new ArgumentException("Orders are signed with ECDSA P-256.", nameof(key));
        _key = key;
    }

    /// <summary>A secret that whoever holds the key has in common, and that says nothing of the key (HKDF with SHA-256, RFC 5869).</summary>
    /// <param name="purpose">Keeps secrets for different uses apart.</param>
    public byte[] DeriveKey(string purpose, int length)
    {
        lock (_lock)
        {
            var secret = _key.ExportParameters(includePrivateParameters: true).D!;
            var derived = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, length, info: System.Text.Encoding.UTF8.GetBytes(purpose));
            CryptographicOperations.ZeroMemory(secret);
            return derived;
        }
    }

    /// <summary>Serializes and signs an order: ECDSA P-256 with SHA-256, IEEE P1363, over "ambient-order-v1\0" and the bytes.</summary>
    public SignedOrder Sign(CaptureOrder order)
    {
        var bytes = order.ToByteArray();
        byte[] signed = [.. Context, .. bytes];
        lock (_lock)
        {
            var signature = _key.SignData(signed, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
            return new SignedOrder
            {
                Order = UnsafeByteOperations.UnsafeWrap(bytes),
                Signature = UnsafeByteOperations.UnsafeWrap(signature),
            };
        }
    }
}
