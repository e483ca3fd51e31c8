using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;
using Ambient.Tests.Unit.Discovery;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using AskedCertificate = Ambient.Protocol.Discovery.V1.CertificateRequest;

namespace Ambient.Tests.Unit.Identity;

public sealed class CertificateKeeperTests : IDisposable
{
    private static readonly SpiffeId Api = SpiffeId.Of("cluster.local", "shop", "api");
    private static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web");

    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly TestAuthority _authority = new();
    private readonly IdentityStore _store = new();
    private readonly CertificateKeeper _keeper;
    private double _random;   // 0 gives the earliest renewal and the longest delay

    public CertificateKeeperTests() => _keeper = new CertificateKeeper(_store, _time, () => _random);

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void Every_identity_with_a_pod_that_is_in_the_mesh_or_on_its_way_is_asked_for_once()
    {
        _keeper.Want(
            MeshWorld.View(
                MeshWorld.Pod("1", "10.0.0.1"), MeshWorld.Pod("2", "10.0.0.2", enrolment: Enrolment.Enrolling),
                MeshWorld.Pod("3", "10.0.0.3", serviceAccount: "web", enrolment: Enrolment.Withdrawing),
                MeshWorld.Pod("4", "10.0.0.4", serviceAccount: "none", enrolment: Enrolment.None),
                MeshWorld.Pod("5", "10.0.0.5", serviceAccount: "host", hostNetwork: true),
                MeshWorld.Pod("6", "10.0.0.6", serviceAccount: "elsewhere", node: "b")),
            "a");
        Assert.Equal([Api.ToString(), Web.ToString()], _keeper.TakeDue(16).Select(r => r.SpiffeId).Order());
        Assert.Empty(_keeper.TakeDue(16));
    }

    [Fact]
    public void A_good_answer_puts_the_certificate_with_its_key_into_the_store()
    {
        AskedCertificate asked = WantApi();
        Assert.True(_keeper.Answer(_authority.Answer(asked, _time.GetUtcNow(), TimeSpan.FromHours(48)), out Svid? svid, out _));
        Assert.Same(svid, _store.Find(Api));
        Assert.Equal(_time.GetUtcNow().AddHours(48), svid.NotAfter);
        using ECDsa key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(svid.PrivateKeyPkcs8, out _);
        using X509Certificate2 leaf = X509CertificateLoader.LoadCertificate(svid.Chain[0]);
        Assert.Equal(leaf.PublicKey.ExportSubjectPublicKeyInfo(), key.ExportSubjectPublicKeyInfo());
    }

    [Theory]
    [InlineData(0.0, 0.45)]
    [InlineData(0.5, 0.50)]
    [InlineData(1.0, 0.55)]
    public void A_certificate_is_renewed_at_half_of_its_validity_give_or_take_a_tenth_and_not_a_tick_earlier(double random, double share)
    {
        _random = random;
        AskedCertificate first = Issue(TimeSpan.FromHours(100));
        _time.Advance((TimeSpan.FromHours(100) * share) - TimeSpan.FromTicks(1));
        Assert.Empty(_keeper.TakeDue(16));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.True(_keeper.UntilNext <= TimeSpan.Zero);
        AskedCertificate second = Assert.Single(_keeper.TakeDue(16));
        Assert.NotEqual(first.Csr, second.Csr);   // a new key

        long before = _store.Find(Api)!.Generation;
        Assert.True(_keeper.Answer(_authority.Answer(second, _time.GetUtcNow(), TimeSpan.FromHours(100)), out Svid? svid, out _));
        Assert.True(svid.Generation > before);
    }

    [Fact]
    public void A_request_without_an_answer_is_repeated_after_ten_seconds_and_a_growing_delay()
    {
        AskedCertificate asked = WantApi();
        foreach (double delay in (double[])[1, 2, 4, 8, 16, 32, 60, 60])
        {
            _time.Advance(CertificateKeeper.AnswerTimeout);
            Assert.Empty(_keeper.TakeDue(16));   // given up; the delay begins
            _time.Advance(TimeSpan.FromSeconds(delay) - TimeSpan.FromTicks(1));
            Assert.Empty(_keeper.TakeDue(16));
            _time.Advance(TimeSpan.FromTicks(1));
            AskedCertificate again = Assert.Single(_keeper.TakeDue(16));
            Assert.NotEqual(asked.Csr, again.Csr);
            asked = again;
        }
    }

    [Fact]
    public void A_stream_that_ends_makes_what_was_asked_due_at_once()
    {
        AskedCertificate asked = WantApi();
        _keeper.StreamLost();
        Assert.Single(_keeper.TakeDue(16));
        Assert.False(_keeper.Answer(_authority.Answer(asked, _time.GetUtcNow(), TimeSpan.FromHours(1)), out _, out string? reason));
        Assert.Contains("another key", reason);   // an answer to the first request, late
    }

    [Fact]
    public void The_certificate_of_an_identity_is_dropped_when_its_last_pod_leaves()
    {
        Issue(TimeSpan.FromHours(1));
        MeshView view = MeshWorld.View(MeshWorld.Pod("1", "10.0.0.1"), MeshWorld.Pod("2", "10.0.0.2"));
        _keeper.Want(view, "a");
        _keeper.Want(view = view.Remove("workload/1"), "a");
        Assert.NotNull(_store.Find(Api));
        var changed = new List<SpiffeId>();
        _store.Changed += changed.Add;
        _keeper.Want(view.Remove("workload/2"), "a");
        Assert.Null(_store.Find(Api));
        Assert.Equal([Api], changed);
    }

    [Fact]
    public void A_certificate_is_used_to_its_end_and_dropped_then()
    {
        Issue(TimeSpan.FromHours(1));
        _time.Advance(TimeSpan.FromHours(1) - TimeSpan.FromTicks(1));
        _keeper.DropExpired();
        Assert.NotNull(_store.Find(Api));
        _time.Advance(TimeSpan.FromTicks(1));
        _keeper.DropExpired();
        Assert.Null(_store.Find(Api));
    }

    [Fact]
    public void Answers_that_do_not_fit_are_refused_with_the_reason_and_leave_nothing_in_the_store()
    {
        using var stranger = new TestAuthority();
        TimeSpan hour = TimeSpan.FromHours(1);
        (string Reason, Func<AskedCertificate, CertificateAnswer> Make)[] bad =
        [
            ("denied by quota", asked => new CertificateAnswer { SpiffeId = asked.SpiffeId, Refusal = "denied by quota" }),
            ("no certificate", asked => new CertificateAnswer { SpiffeId = asked.SpiffeId }),
            ("cannot be read", asked => new CertificateAnswer { SpiffeId = asked.SpiffeId, Chain = { ByteString.CopyFromUtf8("nonsense") } }),
            ("root of the mesh", asked => Good(asked, a => a.TrustBundle[0] = ByteString.CopyFrom(stranger.Root.RawData))),
            ("clock run ahead", asked => _authority.Answer(asked, _time.GetUtcNow() - (2 * hour), hour)),
            ("clock is 3600 s behind", asked => _authority.Answer(asked, _time.GetUtcNow() + hour, hour)),
            ("is for spiffe://cluster.local/ns/shop/sa/web", asked => Good(asked, a => a.Chain[0] = ByteString.CopyFrom(OtherLeaf(Web)))),
            ("another key", asked => Good(asked, a => a.Chain[0] = ByteString.CopyFrom(OtherLeaf(Api)))),
        ];
        AskedCertificate asked = WantApi();
        foreach ((string expected, Func<AskedCertificate, CertificateAnswer> make) in bad)
        {
            Assert.False(_keeper.Answer(make(asked), out _, out string? reason));
            Assert.Contains(expected, reason);
            Assert.Null(_store.Find(Api));
            _time.Advance(TimeSpan.FromMinutes(2));
            asked = Assert.Single(_keeper.TakeDue(16));
        }
        Assert.False(_keeper.Answer(new CertificateAnswer { SpiffeId = Web.ToString() }, out _, out string? unasked));
        Assert.Contains("nobody asked", unasked);
        Assert.False(_keeper.Answer(new CertificateAnswer { SpiffeId = "nonsense" }, out _, out _));
        Assert.True(_keeper.Answer(Good(asked, _ => { }), out _, out _));
    }

    [Fact]
    public void New_roots_reach_certificates_that_are_already_held()
    {
        Issue(TimeSpan.FromHours(1));
        long generation = _store.Find(Api)!.Generation;
        _keeper.TrustBundle = [_authority.Root.RawData];
        Assert.Equal(generation, _store.Find(Api)!.Generation);
        using var next = new TestAuthority();
        _keeper.TrustBundle = [_authority.Root.RawData, next.Root.RawData];
        Assert.Equal(2, _store.Find(Api)!.TrustBundle.Length);
        Assert.True(_store.Find(Api)!.Generation > generation);
    }

    [Fact]
    public void So_many_requests_at_once_and_pods_that_wait_before_renewals()
    {
        Issue(TimeSpan.FromHours(1));
        _time.Advance(TimeSpan.FromMinutes(50));
        _keeper.Want(
            MeshWorld.View([MeshWorld.Pod("1", "10.0.0.1"), .. Enumerable.Range(10, 4).Select(i => MeshWorld.Pod($"{i}", $"10.0.0.{i}", serviceAccount: $"new{i}"))]), "a");
        IReadOnlyList<AskedCertificate> due = _keeper.TakeDue(3);
        Assert.Equal(3, due.Count);
        Assert.DoesNotContain(due, r => r.SpiffeId == Api.ToString());
        Assert.Empty(_keeper.TakeDue(3));
        Assert.Equal(2, _keeper.TakeDue(5).Count);
    }

    [Fact]
    public void An_svid_never_prints_its_key()
    {
        Issue(TimeSpan.FromHours(1));
        Svid svid = _store.Find(Api)!;
        Assert.DoesNotContain(Convert.ToBase64String(svid.PrivateKeyPkcs8), svid.ToString());
        Assert.DoesNotContain("Key", svid.ToString());
    }

    private AskedCertificate WantApi()
    {
        _keeper.Want(MeshWorld.View(MeshWorld.Pod("1", "10.0.0.1")), "a");
        return Assert.Single(_keeper.TakeDue(16));
    }

    private AskedCertificate Issue(TimeSpan validity)
    {
        AskedCertificate asked = WantApi();
        Assert.True(_keeper.Answer(_authority.Answer(asked, _time.GetUtcNow(), validity), out _, out string? reason), reason);
        return asked;
    }

    private CertificateAnswer Good(AskedCertificate asked, Action<CertificateAnswer> change)
    {
        CertificateAnswer answer = _authority.Answer(asked, _time.GetUtcNow(), TimeSpan.FromHours(1));
        change(answer);
        return answer;
    }

    private byte[] OtherLeaf(SpiffeId id)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return _authority.Leaf(id, new PublicKey(key), _time.GetUtcNow(), _time.GetUtcNow().AddHours(1));
    }
}
