using System.Security.Cryptography;
using Ambient.Controller.Authority;
using Ambient.Controller.Streams.Tls;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Controller;

public sealed class AuthorityTests : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromTicks(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-authority-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Keys_are_made_once_and_only_their_owner_may_read_them()
    {
        Keys();
        var first = Texts();
        Keys();
        Assert.Equal(first, Texts());

#pragma warning disable CA1416 // Linux only, as the whole product.
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var modes = Directory.GetFiles(_folder).ToDictionary(f => Path.GetFileName(f), File.GetUnixFileMode);
#pragma warning restore CA1416
        Assert.Equal(["ca-key.pem", "order-private-key.pem", "token-key"], modes.Where(m => m.Value == ownerOnly).Select(m => m.Key).Order());
        Assert.Equal(["bundle.pem", "ca-cert.pem", "order-key.pem"],
            modes.Where(m => m.Value == (ownerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead)).Select(m => m.Key).Order());
    }

    [Fact]
    public void Half_of_an_authority_is_damage_and_not_a_first_start()
    {
        Keys();
        File.Delete(Path.Combine(_folder, "ca-key.pem"));
        Assert.Contains("ca-cert.pem without ca-key.pem", Assert.Throws<AuthorityException>(Keys).Message);
    }

    [Fact]
    public void An_authority_that_has_expired_is_told_at_the_start()
    {
        Keys();
        _time.Advance(TimeSpan.FromDays(3650));
        Assert.Contains("has expired", Assert.Throws<AuthorityException>(Keys).Message);
    }

    [Fact]
    public void The_server_certificate_is_renewed_at_half_of_its_validity()
    {
        var certificate = new ServerCertificate(Keys().Authority, TlsMiddleware.Http2, _time, NullLogger.Instance);
        var first = certificate.Current;
        Assert.Contains("ambient-controller", first.Certificate.Extensions
            .OfType<System.Security.Cryptography.X509Certificates.X509SubjectAlternativeNameExtension>().Single().EnumerateDnsNames());

        _time.Advance(TimeSpan.FromHours(24) - Tick);
        Assert.Same(first, certificate.Current);
        _time.Advance(Tick);
        Assert.NotSame(first, certificate.Current);
        Assert.NotEqual(first.Certificate.SerialNumber, certificate.Current.Certificate.SerialNumber);
    }

    [Fact]
    public void An_order_is_signed_anew_at_half_of_its_validity_and_not_before()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var desk = new OrderDesk(new OrderSigner(key), TimeSpan.FromHours(24));
        var now = _time.GetUtcNow();
        Assert.NotNull(desk.SignIfDue(Content("u"), 0, now));

        Assert.Equal(now + TimeSpan.FromHours(12), desk.NextRenewal);
        Assert.Null(desk.SignIfDue(Content("u"), 0, now + TimeSpan.FromHours(12) - Tick));
        Assert.NotNull(desk.SignIfDue(Content("u"), 0, now + TimeSpan.FromHours(12)));
    }

    [Fact]
    public void An_order_is_signed_anew_when_it_says_something_else_or_its_node_comes_again()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var desk = new OrderDesk(new OrderSigner(key), TimeSpan.FromHours(24));
        var now = _time.GetUtcNow();
        Assert.NotNull(desk.SignIfDue(Content("u"), 0, now));
        Assert.NotNull(desk.SignIfDue(Content("u", "v"), 0, now));
        Assert.Null(desk.SignIfDue(Content("u", "v"), 0, now));
        desk.Forget("a");
        Assert.NotNull(desk.SignIfDue(Content("u", "v"), 0, now));
    }

    [Fact]
    public void Versions_of_orders_rise_even_where_the_clock_or_the_record_went_back()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var desk = new OrderDesk(new OrderSigner(key), TimeSpan.FromHours(24));
        var now = _time.GetUtcNow();
        var first = desk.SignIfDue(Content("u"), 0, now)!.Value.Version;
        Assert.Equal((ulong)now.ToUnixTimeMilliseconds(), first);
        Assert.Equal(first + 1, desk.SignIfDue(Content("v"), first, now - TimeSpan.FromDays(1))!.Value.Version);
        Assert.Equal(first + 5, desk.SignIfDue(Content("w"), 0, now + TimeSpan.FromMilliseconds(5))!.Value.Version);
    }

    [Fact]
    public void An_allowance_comes_back_with_time()
    {
        var limit = new RateLimit(burst: 2, perSecond: 1, _time);
        Assert.True(limit.TryTake());
        Assert.True(limit.TryTake());
        Assert.False(limit.TryTake());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(limit.TryTake());
        Assert.False(limit.TryTake());
        _time.Advance(TimeSpan.FromHours(1));
        Assert.True(limit.TryTake());
        Assert.True(limit.TryTake());
        Assert.False(limit.TryTake());
    }

    private StateKeys Keys() => StateKeys.Open(new StateFolder(_folder), null, null, TimeSpan.FromHours(48), _time);

    private Dictionary<string, string> Texts() => Directory.GetFiles(_folder).ToDictionary(f => Path.GetFileName(f), File.ReadAllText);

    private static CaptureOrder Content(params string[] uids) => new() { Node = "a", BootId = "b", Pods = { uids.Select(u => new CapturedPod { Uid = u }) } };
}
