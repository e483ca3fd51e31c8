using Ambient.Native.Tls;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Identity;
using Ambient.Tests.Unit.Native.Tls;
using TestAuthority = Ambient.Tests.Unit.Engine.TestAuthority;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>The pods' certificates on one loop: roots are made once for all of them, and followed when they change.</summary>
public sealed class CredentialCacheTests : IDisposable
{
    private static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web"), Api = SpiffeId.Of("cluster.local", "shop", "api");

    private readonly TestAuthority _authority = new();
    private readonly IdentityStore _identities = new();
    private readonly CredentialCache _cache;

    public CredentialCacheTests() => _cache = new CredentialCache(_identities);

    [Fact]
    public void Pods_of_one_trust_bundle_accept_each_other()
    {
        Put(Web, _authority);
        Put(Api, _authority);

        using var pair = TlsPair.Established(Client(Web), Server(Api));
        Assert.True(pair.Client.VerifyPeerChain(out _) && pair.Server.VerifyPeerChain(out _));
    }

    [Fact]
    public void After_the_roots_were_replaced_a_pod_refuses_who_leads_to_an_old_one()
    {
        using var next = new TestAuthority();
        Put(Web, _authority);
        Put(Api, _authority);
        var old = Client(Web);
        Server(Api); // the old roots are shared by now

        _identities.ReplaceTrustBundle([next.RootDer]);
        using var pair = new TlsPair(old, Server(Api));

        Assert.Equal(TlsStep.Failed, pair.Handshake().Server);
        Assert.True(pair.Server.IsPeerRefused);
    }

    [Fact]
    public void A_session_under_old_roots_is_looked_at_by_the_newest_ones()
    {
        using var next = new TestAuthority();
        Put(Web, _authority);
        Put(Api, _authority);
        using var pair = TlsPair.Established(Client(Web), Server(Api));

        _identities.ReplaceTrustBundle([next.RootDer]);

        Assert.False(pair.Server.VerifyPeerChain(Server(Api), out _));
    }

    [Fact]
    public void The_first_certificate_is_rehearsed_once_and_what_is_wrong_with_it_said()
    {
        using var other = new TestAuthority();
        var scratch = new LoopScratch();

        Assert.Null(_cache.Rehearse(scratch)); // there is none yet
        Put(Web, _authority, trusts: other);
        Assert.Contains($"{Web}: the peer's certificate is refused", _cache.Rehearse(scratch), StringComparison.Ordinal);
        Assert.Null(_cache.Rehearse(scratch));
    }

    [Fact]
    public void A_good_first_certificate_is_rehearsed_in_silence_and_used_afterwards()
    {
        Put(Web, _authority);
        Put(Api, _authority);

        Assert.Null(_cache.Rehearse(new LoopScratch()));

        using var pair = TlsPair.Established(Client(Web), Server(Api));
        Assert.True(pair.Client.VerifyPeerChain(out _) && pair.Server.VerifyPeerChain(out _));
    }

    public void Dispose()
    {
        foreach (string pod in (string[])[Web.ServiceAccount, Api.ServiceAccount]) _cache.Forget(pod);
        _authority.Dispose();
    }

    private TlsContext Client(SpiffeId id) => _cache.Current(id.ServiceAccount, id)!.ClientOf(TunnelEntry.TunnelPort);

    private TlsContext Server(SpiffeId id) => _cache.Current(id.ServiceAccount, id)!.ServerOf(TunnelEntry.TunnelPort);

    private void Put(SpiffeId id, TestAuthority authority, TestAuthority? trusts = null)
    {
        var (chain, key) = authority.Issue(id.ToString());
        var now = TimeProvider.System.GetUtcNow();
        _identities.Put(new Svid(id, 0, [chain], key, now.AddMinutes(-5), now.AddHours(1), [(trusts ?? authority).RootDer]));
    }
}
