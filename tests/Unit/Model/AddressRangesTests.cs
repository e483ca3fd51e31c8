using System.Net;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Model;

public sealed class AddressRangesTests
{
    [Theory]
    [InlineData("10.1.0.0/16", "10.1.0.0/16")]
    [InlineData("10.1.0.7/32", "10.1.0.7/32")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("FD00:0:0::/48", "fd00::/48")]
    [InlineData("::ffff:10.1.0.0/112", "10.1.0.0/16")]
    [InlineData("::ffff:a01:0/112", "10.1.0.0/16")]
    [InlineData("::ffff:0:0/96", "0.0.0.0/0")]
    [InlineData("::/0", "::/0")]
    public void A_range_is_read_in_every_spelling_and_one_of_IPv4_is_one_of_IPv4(string text, string range)
    {
        Assert.True(AddressRanges.TryParse(text, out var read));
        Assert.Equal(IPNetwork.Parse(range), read);
    }

    [Theory]
    [InlineData("010.1.0.0/16", "its first number is read as an octal one by some, which makes it 8")]
    [InlineData("10.1/16", "some read it as 10.0.0.1")]
    [InlineData("10/8", "some read it as 0.0.0.10")]
    [InlineData("167772160/8", "it is one number, which some read as 10.0.0.0")]
    [InlineData("0x0a.0.0.0/8", "it is hexadecimal")]
    [InlineData("10.1.0.1/16", "there are bits behind the prefix")]
    [InlineData("fd00::1/64", "there are bits behind the prefix")]
    [InlineData("10.1.0.0/33", "the prefix is too long")]
    [InlineData("10.1.0.0", "there is no prefix")]
    [InlineData("/8", "there is no address")]
    public void What_two_readers_could_take_for_two_ranges_is_refused(string text, string why) =>
        Assert.False(AddressRanges.TryParse(text, out _), why);
}
