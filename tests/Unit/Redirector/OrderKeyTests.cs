using System.Security.Cryptography;
using Ambient.Redirector.Orders;

namespace Ambient.Tests.Unit.Redirector;

/// <summary>The key's file in the hands of kubelet, which swaps a symbolic link to a folder.</summary>
public sealed class OrderKeyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("order-key").FullName;
    private int _revision;

    public OrderKeyTests()
    {
        Put(Pem());
        File.CreateSymbolicLink(KeyFile, "..data/order-key.pem");
    }

    private string KeyFile => Path.Combine(_folder, "order-key.pem");

    [Fact]
    public void A_swapped_file_brings_another_key_once()
    {
        var key = OrderKey.Read(KeyFile);
        var before = key.Verifier;
        Assert.False(key.TryRenew(out string? none));
        Assert.Null(none);

        Put(Pem());

        Assert.True(key.TryRenew(out none));
        Assert.Null(none);
        Assert.NotSame(before, key.Verifier);
        Assert.False(key.TryRenew(out _));
    }

    [Fact]
    public void A_file_that_holds_no_key_or_is_gone_leaves_the_key_of_before_and_is_told_once()
    {
        var key = OrderKey.Read(KeyFile);
        var before = key.Verifier;
        string p384;
        using (var other = ECDsa.Create(ECCurve.NamedCurves.nistP384))
            p384 = other.ExportSubjectPublicKeyInfoPem();

        var told = new List<string>();
        foreach (string? bad in (string?[])["", "no key", p384, new string('x', 100_000), null])
        {
            Put(bad);
            for (int look = 0; look < 2; look++)
            {
                Assert.False(key.TryRenew(out string? fault));
                Assert.Same(before, key.Verifier);
                if (fault is not null)
                    told.Add(fault);
            }
        }
        Assert.Equal(3, told.Count);   // no such key, too long, not there
        Put(Pem());
        Assert.True(key.TryRenew(out _));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string Pem()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportSubjectPublicKeyInfoPem();
    }

    // As kubelet's writer lays it out. Null: without the file.
    private void Put(string? text)
    {
        string revision = $"..{++_revision}", link = Path.Combine(_folder, "..data");
        Directory.CreateDirectory(Path.Combine(_folder, revision));
        if (text is not null)
            File.WriteAllText(Path.Combine(_folder, revision, "order-key.pem"), text);
        File.Delete(link);
        Directory.CreateSymbolicLink(link, revision);
    }
}
