using Ambient.NodeProxy.Identity;
using Ambient.Protocol.Identity;

namespace Ambient.Tests.Unit.Identity;

public sealed class PeerCheckTests
{
    private const string Api = "spiffe://cluster.local/ns/shop/sa/api";
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset End = Start.AddHours(1);

    [Theory]
    [InlineData(PeerCheckOutcome.Accepted, Api)]
    [InlineData(PeerCheckOutcome.NoSpiffeId)]
    [InlineData(PeerCheckOutcome.NoSpiffeId, "https://cluster.local/ns/shop/sa/api")]
    [InlineData(PeerCheckOutcome.NoSpiffeId, "spiffe://cluster.local/ns/shop")]
    [InlineData(PeerCheckOutcome.SeveralSpiffeIds, Api, Api)]
    [InlineData(PeerCheckOutcome.SeveralSpiffeIds, Api, "https://example.org")]
    [InlineData(PeerCheckOutcome.UntrustedDomain, "spiffe://elsewhere.example/ns/shop/sa/api")]
    [InlineData(PeerCheckOutcome.UnexpectedIdentity, "spiffe://cluster.local/ns/shop/sa/web")]
    [InlineData(PeerCheckOutcome.UnexpectedIdentity, "spiffe://cluster.local/ns/other/sa/api")]
    public void A_peer_is_judged_by_the_names_in_its_certificate(PeerCheckOutcome expected, params string[] names) =>
        Assert.Equal(expected, Evaluate(names, out _));

    [Fact]
    public void A_peer_without_a_certificate_or_with_a_chain_that_leads_nowhere_is_refused()
    {
        Assert.Equal(PeerCheckOutcome.NoCertificate, PeerCheck.Evaluate(false, [Api], Start, End, true, "cluster.local", null, Start, out SpiffeId? identity));
        Assert.Null(identity);
        Assert.Equal(PeerCheckOutcome.ChainInvalid, PeerCheck.Evaluate(true, [Api], Start, End, false, "cluster.local", null, Start, out identity));
        Assert.Null(identity);
    }

    [Fact]
    public void A_certificate_holds_from_its_first_moment_to_its_last_and_no_tick_longer()
    {
        Assert.Equal(PeerCheckOutcome.Expired, At(Start.AddTicks(-1)));
        Assert.Equal(PeerCheckOutcome.Accepted, At(Start));
        Assert.Equal(PeerCheckOutcome.Accepted, At(End));
        Assert.Equal(PeerCheckOutcome.Expired, At(End.AddTicks(1)));

        static PeerCheckOutcome At(DateTimeOffset now) => PeerCheck.Evaluate(true, [Api], Start, End, true, "cluster.local", null, now, out _);
    }

    [Fact]
    public void The_identity_is_told_as_soon_as_it_is_certain_even_if_another_was_expected()
    {
        Assert.Equal(PeerCheckOutcome.UnexpectedIdentity, Evaluate(["spiffe://cluster.local/ns/shop/sa/web"], out SpiffeId? identity));
        Assert.Equal("web", identity!.ServiceAccount);
        Evaluate(["spiffe://elsewhere.example/ns/shop/sa/api"], out identity);
        Assert.Null(identity);
    }

    private static PeerCheckOutcome Evaluate(string[] names, out SpiffeId? identity) =>
        PeerCheck.Evaluate(true, names, Start, End, true, "cluster.local", SpiffeId.Of("cluster.local", "shop", "api"), Start, out identity);
}
