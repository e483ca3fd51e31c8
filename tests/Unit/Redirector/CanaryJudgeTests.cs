using System.Net;
using Ambient.Redirector.Canary;

namespace Ambient.Tests.Unit.Redirector;

public sealed class CanaryJudgeTests
{
    [Theory]
    [InlineData("10.96.0.1:443", "10.96.0.1:443\n")]
    [InlineData("10.96.0.1:443", "[::ffff:10.96.0.1]:443\n")]
    [InlineData("[fd00::1]:443", "[fd00::1]:443\n")]
    public void A_service_address_that_arrives_as_it_is_is_well(string service, string answer) =>
        Assert.True(CanaryJudge.OfAnswer(IPEndPoint.Parse(service), answer).Ok);

    [Fact]
    public void A_service_address_that_arrives_as_another_one_is_hidden_and_the_setting_to_change_is_named()
    {
        var result = CanaryJudge.OfAnswer(IPEndPoint.Parse("10.96.0.1:443"), "192.168.1.4:6443\n");
        Assert.Equal((false, "ServiceAddressHidden"), (result.Ok, result.Reason));
        Assert.Contains("10.96.0.1:443", result.Detail, StringComparison.Ordinal);
        Assert.Contains("192.168.1.4:6443", result.Detail, StringComparison.Ordinal);
        Assert.Contains("socketLB.hostNamespaceOnly=true", result.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 400 Bad Request")]
    public void An_answer_that_is_none_proves_nothing(string answer) =>
        Assert.Equal("CanaryNotServed", CanaryJudge.OfAnswer(IPEndPoint.Parse("10.96.0.1:443"), answer).Reason);
}
