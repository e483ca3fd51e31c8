using System.Security.Cryptography;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;
using Xunit;

namespace Ambient.Tests.Unit.Orders;

public sealed class OrderTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000);
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose() => _key.Dispose();

    [Fact]
    public void A_signed_order_opens_for_its_node_and_boot_until_it_expires()
    {
        var signed = new OrderSigner(_key).Sign(Order());

        Assert.Null(RefusalOf(signed));
        Assert.Null(RefusalOf(signed, now: Now.AddSeconds(59)));
        Assert.Contains("expired", RefusalOf(signed, now: Now.AddSeconds(60)));
    }

    [Fact]
    public void An_order_for_another_node_or_boot_is_refused()
    {
        var signed = new OrderSigner(_key).Sign(Order());

        Assert.Contains("for node a, and this is b", RefusalOf(signed, node: "b"));
        Assert.Contains("for boot boot-1, and this is boot-2", RefusalOf(signed, bootId: "boot-2"));
    }

    [Fact]
    public void An_order_without_a_boot_id_is_refused_even_where_none_is_known()
    {
        var order = Order();
        order.BootId = "";
        Assert.Contains("for boot", RefusalOf(new OrderSigner(_key).Sign(order), bootId: ""));
    }

    [Fact]
    public void An_order_that_is_not_newer_than_the_one_in_force_is_refused()
    {
        var signed = new OrderSigner(_key).Sign(Order());

        Assert.Null(RefusalOf(signed, lastVersion: 6));
        Assert.Contains("7 is in force", RefusalOf(signed, lastVersion: 7));
        Assert.Contains("8 is in force", RefusalOf(signed, lastVersion: 8));
    }

    [Fact]
    public void Any_changed_byte_of_order_or_signature_is_refused()
    {
        var signed = new OrderSigner(_key).Sign(Order());
        foreach (var (field, length) in new[] { (0, signed.Order.Length), (1, signed.Signature.Length) })
        {
            for (var i = 0; i < length; i++)
            {
                var copy = signed.Clone();
                var bytes = (field == 0 ? copy.Order : copy.Signature).ToByteArray();
                bytes[i] ^= 0x80;
                if (field == 0)
                    copy.Order = ByteString.CopyFrom(bytes);
                else
                    copy.Signature = ByteString.CopyFrom(bytes);
                Assert.Contains("not signed", RefusalOf(copy));
            }
        }
    }

    [Fact]
    public void A_signature_over_the_bare_bytes_is_refused_since_it_may_have_been_made_for_something_else()
    {
        var bytes = Order().ToByteArray();
        var signed = new SignedOrder
        {
            Order = ByteString.CopyFrom(bytes),
            Signature = ByteString.CopyFrom(
                _key.SignData(bytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)),
        };
        Assert.Contains("not signed", RefusalOf(signed));
    }

    [Fact]
    public void An_order_signed_by_another_key_is_refused()
    {
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Contains("not signed", RefusalOf(new OrderSigner(other).Sign(Order())));
    }

    [Fact]
    public void An_empty_and_an_oversized_order_are_refused()
    {
        Assert.Contains("not signed", RefusalOf(new SignedOrder()));
        Assert.Contains("longer than", RefusalOf(new SignedOrder { Order = ByteString.CopyFrom(new byte[OrderVerifier.MaxLength + 1]) }));
    }

    [Fact]
    public void The_signature_is_checked_before_anything_is_parsed()
    {
        var unreadable = new SignedOrder { Order = ByteString.CopyFrom(0xff, 0xff), Signature = ByteString.CopyFrom(new byte[64]) };
        Assert.Contains("not signed", RefusalOf(unreadable));

        byte[] signedBytes = [.. "ambient-order-v1\0"u8, 0xff, 0xff];
        unreadable.Signature = ByteString.CopyFrom(
            _key.SignData(signedBytes, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
        Assert.Contains("not readable", RefusalOf(unreadable));
    }

    [Fact]
    public void Keys_of_another_curve_and_texts_without_a_key_are_refused()
    {
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        Assert.Throws<ArgumentException>(() => new OrderSigner(p384));
        Assert.Throws<ArgumentException>(() => OrderVerifier.FromPem(p384.ExportSubjectPublicKeyInfoPem()));
        Assert.Throws<ArgumentException>(() => OrderVerifier.FromPem("no key"));
    }

    private string? RefusalOf(SignedOrder signed, string node = "a", string bootId = "boot-1", ulong lastVersion = 0, DateTimeOffset? now = null)
    {
        var verifier = OrderVerifier.FromPem(_key.ExportSubjectPublicKeyInfoPem());
        var opened = verifier.TryOpen(signed, node, bootId, lastVersion, now ?? Now, out var order, out var reason);
        Assert.Equal(opened, order is not null);
        Assert.Equal(opened, reason is null);
        return reason;
    }

    private static CaptureOrder Order() => new()
    {
        Node = "a",
        BootId = "boot-1",
        Version = 7,
        IssuedUnixSeconds = Now.ToUnixTimeSeconds(),
        ExpiresUnixSeconds = Now.ToUnixTimeSeconds() + 60,
        Pods = { new CapturedPod { Uid = "u", Namespace = "shop", Name = "cart" } },
    };
}
