using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Ambient.Protocol.Certificates;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Protocol.Orders;

/// <summary>
/// Opens capture orders that came by way of someone untrusted. Nothing of an order is parsed before its signature holds.
/// Owned by one thread.
/// </summary>
public sealed class OrderVerifier
{
    /// <summary>Largest order that is looked at, in bytes: what a PassOrder may carry.</summary>
    public const int MaxLength = 4 << 20;

    private const int SignatureLength = 64;
    private readonly ECDsa _publicKey;

    /// <param name="publicKey">The controller's order key, an ECDSA P-256 public key; stays the caller's.</param>
    /// <exception cref="ArgumentException">The key is of another kind.</exception>
    public OrderVerifier(ECDsa publicKey)
    {
        if (!Curves.IsP256(publicKey))
            throw new ArgumentException("Orders are signed with ECDSA P-256.", nameof(publicKey));
        _publicKey = publicKey;
    }

    /// <summary>Reads the key out of the text of STATE/order-key.pem.</summary>
    /// <exception cref="ArgumentException">The text holds no ECDSA P-256 public key.</exception>
    public static OrderVerifier FromPem(string pem)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(pem);
            return new OrderVerifier(key);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new ArgumentException("The text holds no ECDSA P-256 public key in PEM.", nameof(pem), e);
        }
    }

    /// <summary>Checks, in this order: size, signature, form, node, boot, version, expiry.</summary>
    /// <param name="node">The node that this process serves.</param>
    /// <param name="bootId">The running kernel's boot id; an order for another boot is refused.</param>
    /// <param name="lastVersion">The version of the order in force, 0 for none; only a higher one is accepted.</param>
    /// <param name="now">The present time; an order is good until, and not at, its expiry.</param>
    /// <param name="reason">Why the order is refused, for a person; null on success.</param>
    public bool TryOpen(SignedOrder signed, string node, string bootId, ulong lastVersion, DateTimeOffset now,
        [NotNullWhen(true)] out CaptureOrder? order, [NotNullWhen(false)] out string? reason)
    {
        order = null;
        if (signed.Order.Length > MaxLength)
            reason = $"the order is longer than {MaxLength} bytes";
        else if (!IsSigned(signed))
            reason = "the order is not signed by the controller";
        else if (!TryParse(signed.Order, out var parsed))
            reason = "the order is signed but not readable";
        else
        {
            reason = FaultOf(parsed, node, bootId, lastVersion, now);
            order = reason is null ? parsed : null;
        }
        return order is not null;
    }

    private static string? FaultOf(CaptureOrder order, string node, string bootId, ulong lastVersion, DateTimeOffset now)
    {
        if (order.Node != node)
            return $"the order is for node {order.Node}, and this is {node}";
        if (order.BootId.Length == 0 || order.BootId != bootId)
            return $"the order is for boot {order.BootId}, and this is {bootId}";
        if (order.Version <= lastVersion)
            return $"the order has version {order.Version}, and {lastVersion} is in force";
        if (now.ToUnixTimeSeconds() >= order.ExpiresUnixSeconds)
            return $"the order expired at {order.ExpiresUnixSeconds} and it is {now.ToUnixTimeSeconds()}: does this node's clock run ahead of the controller's?";
        return null;
    }

    private bool IsSigned(SignedOrder signed)
    {
        if (signed.Signature.Length != SignatureLength)
            return false;
        byte[] bytes = [.. OrderSigner.Context, .. signed.Order.Span];
        return _publicKey.VerifyData(bytes, signed.Signature.Span, HashAlgorithmName.SHA256,
            DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }

    private static bool TryParse(ByteString bytes, [NotNullWhen(true)] out CaptureOrder? order)
    {
        try
        {
            order = CaptureOrder.Parser.ParseFrom(bytes);
            return true;
        }
        catch (InvalidProtocolBufferException)
        {
            order = null;
            return false;
        }
    }
}
