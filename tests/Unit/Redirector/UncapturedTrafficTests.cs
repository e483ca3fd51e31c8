using System.Net;
using Ambient.Native.Netlink;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Redirector;

public sealed class UncapturedTrafficTests
{
    [Theory]
    [InlineData("10.0.0.1:40000", "10.9.0.2:80", false, "outbound")]
    [InlineData("10.0.0.1:9000", "10.9.0.2:40000", false, "inbound")]
    [InlineData("[fd00::1]:40000", "[fd00::2]:80", false, "outbound over IPv6")]
    [InlineData("127.0.0.1:40000", "127.0.0.1:80", true, "loopback")]
    [InlineData("[::1]:40000", "[::1]:80", true, "loopback over IPv6")]
    [InlineData("10.0.0.1:40000", "10.0.0.1:9000", true, "the pod with itself")]
    [InlineData("10.0.0.1:40000", "10.0.0.5:9000", true, "another address of the pod")]
    [InlineData("10.0.0.1:40000", "10.9.0.2:7000", true, "an excluded outbound port")]
    [InlineData("10.0.0.1:9000", "10.9.0.2:7000", false, "inbound from a port that is excluded outbound")]
    [InlineData("10.0.0.1:40000", "192.0.2.9:80", true, "an excluded range")]
    [InlineData("10.0.0.1:9000", "192.0.2.9:40000", false, "inbound from a range that is excluded outbound")]
    [InlineData("[fd00::1]:40000", "[2001:db8::9]:80", true, "an excluded IPv6 range")]
    [InlineData("10.0.0.1:7100", "10.9.0.2:40000", true, "an excluded inbound port, where the listener is gone")]
    [InlineData("10.0.0.1:15008", "10.9.0.2:40000", true, "the tunnel's port")]
    public void Only_what_the_rules_leave_alone_is_rightly_in_the_clear(string local, string remote, bool expected, string what)
    {
        var pod = new CapturedPod { ExcludeInboundPorts = { 7100 }, ExcludeOutboundPorts = { 7000 } };
        pod.ExcludeOutboundRanges.Add(new ExcludedRange { Address = ByteString.CopyFrom(192, 0, 2, 0), PrefixLength = 24 });
        pod.ExcludeOutboundRanges.Add(
            new ExcludedRange { Address = ByteString.CopyFrom(IPAddress.Parse("2001:db8::").GetAddressBytes()), PrefixLength = 32 });
        Assert.True(Exclusions.TryRead(pod, out var exclusions, out string reason), reason);
        var traffic = new UncapturedTraffic(exclusions, [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.5")], new HashSet<int> { 9000 });

        Assert.True(expected == traffic.Includes(new TcpSocketName(2, default, IPEndPoint.Parse(local), IPEndPoint.Parse(remote))), what);
    }
}
