using Ambient.Redirector.Rules;

namespace Ambient.Tests.Unit.Redirector;

public sealed class ConnectionCensusTests
{
    private const string Header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";

    [Theory]
    [InlineData("   1: 0A01630A:1F90 0B01630A:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 1", 1)]  // established
    [InlineData("   1: 0A01630A:1F90 0B01630A:A1B2 08 00000000:00000000 00:00000000 00000000     0        0 1", 0)]  // close wait
    [InlineData("   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1", 0)]  // listening
    [InlineData("   2: 0A01630A:3A9E 0B01630A:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 1", 0)]  // our port 15006
    [InlineData("   3: 0100007F:1F90 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 1", 0)]  // with itself
    [InlineData("garbage", 0)]
    [InlineData("", 0)]
    public void Only_established_connections_with_others_on_foreign_ports_count(string line, int count) =>
        Assert.Equal(count, ConnectionCensus.Count([Header, line]));
}
