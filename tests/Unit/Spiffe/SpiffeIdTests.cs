using Ambient.Protocol.Identity;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Ambient.Tests.Unit.Spiffe;

public sealed class SpiffeIdTests
{
    private static readonly Gen<string> Names = NameOf("abcxyzABCXYZ0189.-_", SpiffeId.MaxNameLength).Where(n => n is not ("." or ".."));
    private static readonly Gen<string> Domains = NameOf("abcxyz0189.-_", SpiffeId.MaxTrustDomainLength);

    [Fact]
    public void What_is_made_of_parts_reads_back_as_the_same_parts() =>
        Prop.ForAll(Arb.From(from d in Domains from n in Names from a in Names select (d, n, a)), parts =>
        {
            var (domain, ns, account) = parts;
            var made = SpiffeId.Of(domain, ns, account);
            return SpiffeId.TryParse(made.ToString(), out var read, out _)
                && read == made && read.GetHashCode() == made.GetHashCode()
                && read.TrustDomain == domain && read.Namespace == ns && read.ServiceAccount == account
                && made.ToString().Length <= SpiffeId.MaxLength;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void An_accepted_text_comes_back_unchanged_whatever_was_done_to_it()
    {
        var valid = "spiffe://cluster.local/ns/shop/sa/cart";
        var mutated = from at in Gen.Choose(0, valid.Length - 1)
                      from what in Gen.Choose(0, 2)
                      from c in Gen.Choose(0, 0x2ff)
                      select what switch
                      {
                          0 => valid.Remove(at, 1),
                          1 => valid.Insert(at, ((char)c).ToString()),
                          _ => valid[..at] + (char)c + valid[(at + 1)..],
                      };
        Prop.ForAll(Arb.From(mutated), text =>
            SpiffeId.TryParse(text, out var id, out var reason)
                ? id.ToString() == text && reason is null && Regex(text)
                : id is null && !string.IsNullOrEmpty(reason) && !Regex(text)).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Any_text_at_all_is_answered_without_an_exception() =>
        Prop.ForAll<string?>(text => SpiffeId.TryParse(text, out _, out var reason) || reason.Length > 0).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("spiffe://")]
    [InlineData("SPIFFE://cluster.local/ns/a/sa/b")]
    [InlineData("http://cluster.local/ns/a/sa/b")]
    [InlineData("spiffe:/cluster.local/ns/a/sa/b")]
    [InlineData("spiffe:///ns/a/sa/b")]
    [InlineData("spiffe://Cluster.local/ns/a/sa/b")]
    [InlineData("spiffe://cluster.local:8443/ns/a/sa/b")]
    [InlineData("spiffe://user@cluster.local/ns/a/sa/b")]
    [InlineData("spiffe://cluster.local/ns/a/sa/b/")]
    [InlineData("spiffe://cluster.local/ns/a/sa/b/c")]
    [InlineData("spiffe://cluster.local//ns/a/sa/b")]
    [InlineData("spiffe://cluster.local/ns/a/sa/")]
    [InlineData("spiffe://cluster.local/ns//sa/b")]
    [InlineData("spiffe://cluster.local/ns/../sa/b")]
    [InlineData("spiffe://cluster.local/ns/./sa/b")]
    [InlineData("spiffe://cluster.local/NS/a/SA/b")]
    [InlineData("spiffe://cluster.local/sa/a/ns/b")]
    [InlineData("spiffe://cluster.local/ns/a%2fb/sa/b")]
    [InlineData("spiffe://cluster.local/ns/a/sa/b?x=1")]
    [InlineData("spiffe://cluster.local/ns/a/sa/b#x")]
    [InlineData("spiffe://cluster.local/ns/a/sa/b ")]
    [InlineData(" spiffe://cluster.local/ns/a/sa/b")]
    [InlineData("spiffe://cluster.local/ns/a/sa/b\n")]
    [InlineData("spiffe://cluster.local/ns/a/sa/b\0")]
    [InlineData("spiffe://clüster.local/ns/a/sa/b")]
    [InlineData("spiffe://cluster.local/ns/а/sa/b")] // a Cyrillic а
    [InlineData("spiffe://cluster.local")]
    [InlineData("spiffe://cluster.local/workload")]
    public void Another_spelling_is_refused_with_a_reason(string text)
    {
        Assert.False(SpiffeId.TryParse(text, out var id, out var reason));
        Assert.Null(id);
        Assert.NotEmpty(reason);
    }

    [Fact]
    public void The_longest_names_are_accepted_and_one_byte_more_is_not()
    {
        var domain = new string('d', SpiffeId.MaxTrustDomainLength);
        var name = new string('n', SpiffeId.MaxNameLength);

        Assert.True(SpiffeId.TryOf(domain, name, name, out var id, out _));
        Assert.True(SpiffeId.TryParse(id.ToString(), out _, out _));
        Assert.False(SpiffeId.TryOf(domain + "d", name, name, out _, out _));
        Assert.False(SpiffeId.TryOf(domain, name + "n", name, out _, out _));
        Assert.False(SpiffeId.TryOf(domain, name, name + "n", out _, out _));
    }

    [Fact]
    public void A_text_of_two_thousand_slashes_is_refused()
    {
        Assert.False(SpiffeId.TryParse("spiffe://a" + new string('/', 2000), out _, out _));
        Assert.False(SpiffeId.TryParse("spiffe://a/ns/" + new string('b', SpiffeId.MaxLength), out _, out _));
    }

    // The slow twin: the grammar of the specification as one expression.
    private static bool Regex(string text) => System.Text.RegularExpressions.Regex.IsMatch(text,
        @"\Aspiffe://[a-z0-9._-]{1,255}/ns/(?!\.{1,2}/)[a-zA-Z0-9._-]{1,253}/sa/(?!\.{1,2}\z)[a-zA-Z0-9._-]{1,253}\z");

    private static Gen<string> NameOf(string alphabet, int maxLength) =>
        from length in Gen.Choose(1, maxLength)
        from chars in Gen.ArrayOf(Gen.Elements(alphabet.ToCharArray()), length)
        select new string(chars);
}
