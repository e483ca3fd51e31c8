using System.Security.Cryptography;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Orders;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Redirector;

public sealed class OrderBookTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("orders").FullName;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly FakeTimeProvider _time = new();

    private string KeyFile => Path.Combine(_folder, "key.pem");

    [Fact]
    public void The_first_order_is_taken_and_kept_where_only_its_owner_reads()
    {
        var book = Book();
        Assert.True(book.TryAccept(Order(1), out ulong version, out string reason), reason);
        Assert.Equal(1ul, version);
        Assert.Equal(1ul, book.InForce!.Version);
#pragma warning disable CA1416 // Linux only, as the whole product.
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_folder, "state", "order")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(_folder, "state")));
#pragma warning restore CA1416
    }

    [Fact]
    public void Every_other_order_than_a_newer_one_of_this_node_and_boot_in_time_and_signed_is_refused_and_changes_nothing()
    {
        var book = Book();
        Assert.True(book.TryAccept(Order(5), out _, out _));
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] forged = new OrderSigner(stranger).Sign(Unsigned(9)).ToByteArray();

        foreach (byte[] bad in (byte[][])[Order(5), Order(4), Order(0), Order(9, node: "b"), Order(9, boot: "other"), Order(9, boot: ""), Order(9, lives: 0), forged, [], [1, 2, 3], new byte[10_000]])
        {
            Assert.False(book.TryAccept(bad, out _, out string reason));
            Assert.NotEmpty(reason);
        }
        Assert.Equal(5ul, book.InForce!.Version);
        Assert.True(book.TryAccept(Order(6), out _, out _));
    }

    [Fact]
    public void An_order_is_good_until_the_last_second_before_its_expiry()
    {
        byte[] order = Order(1, lives: 60);
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.False(Book().TryAccept(order, out _, out _));
        byte[] other = Order(1, lives: 60);
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.True(Book().TryAccept(other, out _, out _));
    }

    [Fact]
    public void A_restart_takes_the_stored_order_up_with_its_floor_even_after_its_expiry()
    {
        Assert.True(Book().TryAccept(Order(7), out _, out _));
        _time.Advance(TimeSpan.FromDays(30));

        var next = Book();
        Assert.True(next.TryRestore(out string reason), reason);
        Assert.Equal(7ul, next.VersionFloor);
        Assert.False(next.TryAccept(Order(7), out _, out _));
        Assert.True(next.TryAccept(Order(8), out _, out _));
    }

    [Fact]
    public void After_a_reboot_the_stored_order_counts_and_sets_no_floor()
    {
        Assert.True(Book().TryAccept(Order(7), out _, out _));

        var next = Book(boot: "boot-2");
        Assert.True(next.TryRestore(out _));
        Assert.Equal(7ul, next.InForce!.Version);
        Assert.Equal(0ul, next.VersionFloor);
        Assert.True(next.TryAccept(Order(1, boot: "boot-2"), out _, out _));
    }

    [Fact]
    public void A_stored_order_that_was_changed_or_belongs_to_another_node_is_not_taken_up()
    {
        Assert.True(Book().TryAccept(Order(7), out _, out _));
        Assert.False(Book(node: "b").TryRestore(out string foreign));
        Assert.Contains("node", foreign, StringComparison.Ordinal);
        string path = Path.Combine(_folder, "state", "order");
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.False(Book().TryRestore(out string forged));
        Assert.NotEmpty(forged);
        File.WriteAllBytes(path, [1, 2, 3]);
        Assert.False(Book().TryRestore(out _));
        File.Delete(path);
        Assert.False(Book().TryRestore(out string none));
        Assert.Empty(none);
    }

    [Fact]
    public void What_an_order_enrols_without_naming_it_is_known_from_then_on_also_after_a_restart_and_where_the_order_is_lost()
    {
        var unsigned = Unsigned(1);
        unsigned.EnrolledNamespaces.Add("shop");
        unsigned.OptedIn.Add(new OptedInPod { Uid = "u1", Namespace = "bank", Name = "web-1" });
        var book = Book();
        Assert.False(book.Enrolled.HasNamespace("shop") || book.Enrolled.HasPod("bank", "web-1", "u1"));
        Assert.True(book.TryAccept(new OrderSigner(_key).Sign(unsigned).ToByteArray(), out _, out _));
        Assert.True(book.Enrolled.HasNamespace("shop") && book.Enrolled.HasPod("bank", "web-1", "u1"));

        var next = Book();
        Assert.True(next.TryRestore(out _));
        Assert.True(next.Enrolled.HasNamespace("shop") && next.Enrolled.HasPod("bank", "web-1", "u1"));

        File.WriteAllBytes(Path.Combine(_folder, "state", "order"), [1, 2, 3]);
        Assert.True(Book().TryReadLastEnrolled(out var last, out _));
        Assert.True(last!.HasNamespace("shop") && last.HasPod("bank", "web-1", "u1"));
        Assert.True(next.TryAccept(Order(2), out _, out _));
        Assert.False(next.Enrolled.HasNamespace("shop") || next.Enrolled.HasPod("bank", "web-1", "u1"));
    }

    [Fact]
    public void The_very_order_in_force_is_known_again()
    {
        var book = Book();
        byte[] order = Order(1);
        Assert.False(book.IsInForce(order));
        Assert.True(book.TryAccept(order, out _, out _));
        Assert.True(book.IsInForce(order));
        Assert.False(book.IsInForce(Order(2)));
        var next = Book();
        next.TryRestore(out _);
        Assert.True(next.IsInForce(order));
    }

    [Fact]
    public void An_order_that_came_before_the_key_that_signed_it_is_taken_when_the_key_is_there_if_it_is_good_still()
    {
        using var next = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] early = new OrderSigner(next).Sign(Unsigned(8)).ToByteArray();
        var key = Key(_key);
        var book = new OrderBook("a", "boot-1", key, new StateDirectory(Path.Combine(_folder, "state")), _time);
        Assert.True(book.TryAccept(Order(7), out _, out _));
        Assert.False(book.TryAccept(early, out _, out _));
        Assert.False(book.TryAcceptLate(out _));   // the key is not there yet

        File.WriteAllText(KeyFile, next.ExportSubjectPublicKeyInfoPem());
        Assert.True(key.TryRenew(out _));
        Assert.True(book.TryAcceptLate(out ulong version));

        Assert.Equal((8ul, 8ul), (version, book.VersionFloor));
        Assert.False(book.TryAcceptLate(out _));   // once
        Assert.False(book.TryAccept(Order(9), out _, out _));   // the key of before signs nothing any more
    }

    public void Dispose()
    {
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private OrderBook Book(string node = "a", string boot = "boot-1") =>
        new(node, boot, Key(_key), new StateDirectory(Path.Combine(_folder, "state")), _time);

    private OrderKey Key(ECDsa key)
    {
        File.WriteAllText(KeyFile, key.ExportSubjectPublicKeyInfoPem());
        return OrderKey.Read(KeyFile);
    }

    private byte[] Order(ulong version, string node = "a", string boot = "boot-1", int lives = 600) =>
        new OrderSigner(_key).Sign(Unsigned(version, node, boot, lives)).ToByteArray();

    private CaptureOrder Unsigned(ulong version, string node = "a", string boot = "boot-1", int lives = 600)
    {
        long now = _time.GetUtcNow().ToUnixTimeSeconds();
        return new CaptureOrder { Node = node, BootId = boot, Version = version, IssuedUnixSeconds = now, ExpiresUnixSeconds = now + lives };
    }
}
