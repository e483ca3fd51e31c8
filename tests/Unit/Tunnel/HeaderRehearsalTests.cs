using Ambient.NodeProxy.Tunnel;

namespace Ambient.Tests.Unit.Tunnel;

public sealed class HeaderRehearsalTests
{
    [Fact]
    public void What_is_rehearsed_is_a_request_and_an_answer_that_are_understood() => Assert.True(HeaderRehearsal.Run());
}
