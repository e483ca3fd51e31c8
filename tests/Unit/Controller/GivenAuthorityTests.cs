using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Controller.Authority;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Controller;

/// <summary>An authority that its owner replaces, to the tick.</summary>
public sealed class GivenAuthorityTests
{
    private static readonly TimeSpan Leaf = TimeSpan.FromHours(48), Tick = TimeSpan.FromSeconds(1);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly AuthorityKeys _old;
    private readonly AuthorityKeys _new;
    private RetiringRoots _retiring = RetiringRoots.Parse(null, "test");

    public GivenAuthorityTests() => (_old, _new) = (Root("CN=old"), Root("CN=new"));

    [Fact]
    public void The_new_root_is_trusted_at_once_and_signs_after_its_announcement_and_the_old_one_is_trusted_for_a_leafs_lifetime()
    {
        var given = new GivenAuthority(Leaf, _time);
        var now = given.Take(_old, null, ref _retiring);
        Assert.Equal(("CN=old", "CN=old"), (now.Issuer.Subject, Trusted(now)));

        now = given.Take(_new, now, ref _retiring);
        Assert.Equal(("CN=old", "CN=new CN=old"), (now.Issuer.Subject, Trusted(now)));
        var stage = given.Stage(_retiring);
        _time.Advance(GivenAuthority.Announcement - Tick);
        Assert.Equal(stage, given.Stage(_retiring));
        now = given.Take(_new, now, ref _retiring);
        Assert.Equal("CN=old", now.Issuer.Subject);

        _time.Advance(Tick);
        Assert.NotEqual(stage, given.Stage(_retiring));
        now = given.Take(_new, now, ref _retiring);
        Assert.Equal(("CN=new", "CN=new CN=old", "CN=old"), (now.Issuer.Subject, Trusted(now), now.ForServer!.Issuer.Subject));
        stage = given.Stage(_retiring);

        _time.Advance(Leaf + RootRotation.Distribution - GivenAuthority.Announcement - Tick);
        Assert.Equal(stage, given.Stage(_retiring));
        _time.Advance(Tick);
        Assert.NotEqual(stage, given.Stage(_retiring));
        now = given.Take(_new, now, ref _retiring);
        Assert.Equal(("CN=new", "CN=new"), (now.Issuer.Subject, Trusted(now)));
        Assert.Null(now.ForServer);
        Assert.Empty(_retiring.Roots);
    }

    [Fact]
    public void A_process_that_starts_meanwhile_trusts_what_retires_and_a_root_that_comes_back_retires_no_more()
    {
        var given = new GivenAuthority(Leaf, _time);
        var now = given.Take(_old, null, ref _retiring);
        given.Take(_new, now, ref _retiring);

        var kept = RetiringRoots.Parse(_retiring.ToString(), "test");
        Assert.Equal(_retiring.ToString(), kept.ToString());
        Assert.Equal("CN=new CN=old", Trusted(new GivenAuthority(Leaf, _time).Take(_new, null, ref kept)));
        Assert.Single(kept.Roots);
        new GivenAuthority(Leaf, _time).Take(_old, null, ref kept);
        Assert.Empty(kept.Roots);
    }

    [Theory]
    [InlineData("until=x\nPEM")]
    [InlineData("until=1")]
    [InlineData("until=99999999999999999999\n")]
    [InlineData("anything")]
    public void A_text_that_we_did_not_write_is_named(string text) =>
        Assert.Contains(RetiringRoots.File, Assert.Throws<AuthorityException>(() => RetiringRoots.Parse(text, "Secret x/y")).Message);

    private static string Trusted(AuthorityKeys keys) => string.Join(' ', keys.Roots.Select(r => r.Subject).Order());

    private AuthorityKeys Root(string name)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var root = request.CreateSelfSigned(_time.GetUtcNow().AddHours(-1), _time.GetUtcNow().AddDays(100));
        return AuthorityKeys.Read(root.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem(), "test");
    }
}
