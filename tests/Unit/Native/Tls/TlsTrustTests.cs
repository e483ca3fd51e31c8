using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

public sealed class TlsTrustTests
{
    private static readonly TestAuthority Authority = new();
    private static readonly TestAuthority Other = new("other");

    [Fact]
    public void Contexts_of_both_roles_share_one_trust_and_go_on_when_it_is_let_go()
    {
        var settings = Authority.Issue();
        var trust = new TlsTrust(settings.TrustBundle);
        using var client = TlsContext.Client(settings, trust);
        using var server = TlsContext.Server(Authority.Issue(), trust);
        trust.Dispose();

        using var pair = TlsPair.Established(client, server);
        Assert.True(pair.Client.VerifyPeerChain(out _) && pair.Server.VerifyPeerChain(out _));
    }

    [Fact]
    public void A_shared_trust_refuses_whom_the_bundle_does_not_name()
    {
        var settings = Authority.Issue();
        using var trust = new TlsTrust(settings.TrustBundle);
        using var client = TlsContext.Client(Other.Issue(trusts: Authority));
        using var server = TlsContext.Server(settings, trust);

        AssertRefusesClient(client, server);
    }

    [Fact]
    public void A_trust_of_another_bundle_is_not_used_whoever_hands_it_in()
    {
        var settings = Authority.Issue();
        using var wider = new TlsTrust([Authority.Root, Other.Root]);
        using var server = TlsContext.Server(settings, wider);
        using var stranger = TlsContext.Client(Other.Issue(trusts: Authority));
        using var friend = TlsContext.Client(Authority.Issue());

        AssertRefusesClient(stranger, server);
        using var pair = TlsPair.Established(friend, server);
        Assert.True(pair.Server.VerifyPeerChain(out _));
    }

    [Fact]
    public void A_trust_is_of_a_bundle_only_certificate_for_certificate()
    {
        using var trust = new TlsTrust([Authority.Root, Other.Root]);

        Assert.True(trust.Is([Authority.Root.ToArray(), Other.Root.ToArray()]));
        Assert.False(trust.Is([Other.Root, Authority.Root]));
        Assert.False(trust.Is([Authority.Root]));
        Assert.False(trust.Is([Authority.Root, Other.Root, Other.Root]));
        Assert.False(trust.Is([]));
    }

    [Fact]
    public void A_bundle_that_cannot_be_used_makes_no_trust()
    {
        Assert.Contains("The trust bundle is empty", Assert.Throws<TlsException>(() => new TlsTrust([])).Message, StringComparison.Ordinal);
        Assert.Contains("not a certificate in DER", Assert.Throws<TlsException>(() => new TlsTrust([Authority.Root, "garbage"u8.ToArray()])).Message, StringComparison.Ordinal);
    }

    private static void AssertRefusesClient(TlsContext client, TlsContext server)
    {
        using var pair = new TlsPair(client, server);
        Assert.Equal(TlsStep.Failed, pair.Handshake().Server);
        Assert.True(pair.Server.IsPeerRefused);
    }
}
