using Ambient.Native.Processes;
using Xunit;

namespace Ambient.Tests.Unit.Native.Processes;

public sealed class CredentialsTests
{
    [Theory]
    [InlineData("0000000000000000", "0000000000000000", "0000000000000000", false)]
    [InlineData("0000000000001000", "0000000000000000", "0000000000000000", true)]
    [InlineData("0000000000000000", "ffffffffffffffff", "0000000000000000", true)]
    [InlineData("0000000000000000", "0000000000000000", "0000000000000001", true)]
    public void Any_bit_in_a_set_that_can_be_used_counts(string permitted, string effective, string ambient, bool any) =>
        Assert.Equal(any, Credentials.HasAnyCapability(
            ["CapInh:\tffffffffffffffff", $"CapPrm:\t{permitted}", $"CapEff:\t{effective}", "CapBnd:\tffffffffffffffff", $"CapAmb:\t{ambient}"]));

    [Fact]
    public void A_status_file_without_the_sets_does_not_read_as_none_held() =>
        Assert.Throws<InvalidDataException>(() => Credentials.HasAnyCapability(["Name:\tx", "CapEff:\t0"]));

    [Fact]
    public void This_process_has_a_user_and_an_answer()
    {
        _ = Credentials.HasAnyCapability();
        Assert.True(Credentials.UserId != uint.MaxValue && Credentials.GroupId != uint.MaxValue);
    }
}
