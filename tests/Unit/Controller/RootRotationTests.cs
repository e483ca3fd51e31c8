using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Controller.Authority;
using Ambient.Controller.Streams.Tls;
using Ambient.Protocol.Identity;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Controller;

/// <summary>One root is replaced by the next, in steps that a serving controller follows.</summary>
public sealed class RootRotationTests : IDisposable
{
    private static readonly TimeSpan Leaf = TimeSpan.FromHours(48), Tick = TimeSpan.FromSeconds(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-rotation-").FullName;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly StateKeys _keys;
    private readonly AuthorityWatch _watch;
    private int _changes;

    public RootRotationTests()
    {
        _keys = StateKeys.Open(new StateFolder(_folder), null, null, Leaf, _time);
        _watch = new AuthorityWatch(_keys, () => _changes++, _time, NullLogger.Instance);
    }

    private RootRotation Rotation => new(new StateFolder(_folder), _time);

    public void Dispose()
    {
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_serving_controller_trusts_the_next_root_first_then_signs_with_it_and_then_forgets_the_one_before()
    {
        var server = new ServerCertificate(_keys.Authority, TlsMiddleware.Http2, _time, NullLogger.Instance);
        var (first, firstServer) = (IssuerOfLeaf(), server.Current.Certificate.Issuer);
        await _watch.LookAsync();
        Assert.Equal(0, _changes);

        Rotation.Add();
        await _watch.LookAsync();
        Assert.Equal((1, 2, first), (_changes, _keys.Authority.TrustBundle.Length, IssuerOfLeaf()));

        _time.Advance(RootRotation.Distribution);
        Rotation.Switch(Leaf, isForced: false);
        await _watch.LookAsync();
        Assert.Equal((2, 2), (_changes, _keys.Authority.TrustBundle.Length));
        Assert.NotEqual(first, IssuerOfLeaf());
        // A node that was away and knows the old root only must still get in.
        Assert.Equal(firstServer, server.Current.Certificate.Issuer);

        _time.Advance(Leaf + RootRotation.Distribution);
        Rotation.Retire(isForced: false);
        await _watch.LookAsync();
        Assert.Equal((3, 1), (_changes, _keys.Authority.TrustBundle.Length));
        Assert.Equal(IssuerOfLeaf(), server.Current.Certificate.Issuer);
        Assert.Equal(_keys.Authority.TrustBundlePem, File.ReadAllText(Path.Combine(_folder, "bundle.pem")));
    }

    [Fact]
    public void A_step_that_comes_too_early_is_refused_to_the_second_and_can_be_forced()
    {
        Assert.Contains("`root add` comes first", Assert.Throws<AuthorityException>(() => Rotation.Switch(Leaf, isForced: true)).Message);
        Assert.Contains("no root before", Assert.Throws<AuthorityException>(() => Rotation.Retire(isForced: true)).Message);
        Rotation.Add();
        Assert.Contains("`root switch` comes next", Assert.Throws<AuthorityException>(Rotation.Add).Message);
        _time.Advance(RootRotation.Distribution - Tick);
        Assert.Contains("--now", Assert.Throws<AuthorityException>(() => Rotation.Switch(Leaf, isForced: false)).Message);
        _time.Advance(Tick);
        Rotation.Switch(Leaf, isForced: false);

        Assert.Contains("`root retire` comes first", Assert.Throws<AuthorityException>(Rotation.Add).Message);
        _time.Advance(Leaf + RootRotation.Distribution - Tick);
        Assert.Contains("--now", Assert.Throws<AuthorityException>(() => Rotation.Retire(isForced: false)).Message);
        Rotation.Retire(isForced: true);
    }

    [Fact]
    public async Task A_switch_that_was_cut_short_is_done_again_and_ends_the_same()
    {
        var first = _keys.Authority.TrustBundlePem;
        Rotation.Add();
        var next = File.ReadAllText(Path.Combine(_folder, RootRotation.NextCertificate));
        // As after a crash in the middle: the key was exchanged, the certificate was not.
        var state = new StateFolder(_folder);
        state.WritePrivate(RootRotation.PreviousKey, state.TryRead(AuthorityKeys.KeyFile)!);
        state.WritePublic(RootRotation.PreviousCertificate, state.TryRead(AuthorityKeys.CertificateFile)!);
        state.WritePrivate(AuthorityKeys.KeyFile, state.TryRead(RootRotation.NextKey)!);
        await _watch.LookAsync();
        Assert.Equal((0, first), (_changes, _keys.Authority.TrustBundlePem));

        Rotation.Switch(Leaf, isForced: true);
        await _watch.LookAsync();
        Assert.Equal((1, 2), (_changes, _keys.Authority.TrustBundle.Length));
        Assert.Equal(next, File.ReadAllText(Path.Combine(_folder, AuthorityKeys.CertificateFile)));
        Assert.Contains(first.Trim(), _keys.Authority.TrustBundlePem);
    }

    private string IssuerOfLeaf() => _keys.Authority.Issue(SpiffeId.Of("cluster.local", "shop", "api"), new PublicKey(_key))[0].Issuer;
}
