using Ambient.Protocol.Identity;

namespace Ambient.Tests.Unit.Spiffe;

public sealed class IdentityPatternTests
{
    [Theory]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web", true)]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web-1", false)]
    [InlineData("spiffe://cluster.local/ns/shop/sa/we", false)]
    [InlineData("spiffe://cluster.local/ns/shop/sa/Web", false)]
    [InlineData("spiffe://cluster.local/ns/shop/sa/*", true)]
    [InlineData("spiffe://cluster.local/ns/shop/sa/w*", true)]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web*", false)]     // a star is never nothing
    [InlineData("spiffe://cluster.local/ns/*/sa/web", true)]
    [InlineData("spiffe://*/ns/shop/sa/web", true)]
    [InlineData("spiffe://*/ns/*/sa/*", true)]
    [InlineData("spiffe://*/ns/*/sa/api", false)]
    [InlineData("spiffe://*/ns/shop/sa/w*", true)]
    [InlineData("spiffe://cluster.local/*/shop/sa/web", true)]
    [InlineData("spiffe://cluster.local/*", true)]
    [InlineData("spiffe://cluster.*", true)]
    [InlineData("spiffe://cluster.local/ns/sh*", true)]
    [InlineData("spiffe://cluster.local/ns/shop*", true)]             // "shop" and then any rest, "shop-2" as well
    [InlineData("spiffe://cluster.local/ns/shop/*", true)]
    [InlineData("spiffe://*", true)]
    [InlineData("*", true)]
    [InlineData("spiffe://other.local/*", false)]
    public void A_star_stands_for_a_whole_segment_or_at_the_end_for_any_rest(string pattern, bool meant)
    {
        Assert.Null(IdentityPattern.FaultOf(pattern));
        Assert.Equal(meant, IdentityPattern.Matches(pattern, "spiffe://cluster.local/ns/shop/sa/web"));
    }

    [Theory]
    [InlineData("", "empty")]
    [InlineData("cluster.local/ns/shop/sa/web", "spiffe://")]
    [InlineData("shop/web", "spiffe://")]
    [InlineData("**", "spiffe://")]
    [InlineData("spiffe:/*", "spiffe://")]
    [InlineData("spiffe://cluster.local/ns/s*p/sa/web", "whole segment")]
    [InlineData("spiffe://cluster.local/ns/*-x/sa/web", "whole segment")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/**", "whole segment")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web/*", "more segments")]
    [InlineData("spiffe://cluster.local/xs/shop/sa/web", "")]
    [InlineData("spiffe://cluster.local/x*", "begins with x")]
    [InlineData("spiffe://Cluster.local/*", "trust domain")]
    [InlineData("spiffe://cluster.local/ns/shop", "")]
    [InlineData("spiffe://cluster.local/ns/shop/sa/web?x", "")]
    public void What_no_identity_can_match_is_no_pattern(string pattern, string said)
    {
        string? fault = IdentityPattern.FaultOf(pattern);
        Assert.NotNull(fault);
        Assert.Contains(said, fault, StringComparison.Ordinal);
    }
}
