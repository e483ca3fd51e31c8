using System.Net;
using System.Runtime.CompilerServices;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Redirector;

public sealed class RulesetTests
{
    [Fact]
    public void The_rules_of_a_pod_without_exclusions_are_the_golden_ones() => AssertGolden("full.nft", Ruleset.Full(Exclusions.None).Text);

    [Fact]
    public void The_quiet_rules_are_the_golden_ones() => AssertGolden("quiet.nft", Ruleset.Quiet.Text);

    [Fact]
    public void The_rules_with_exclusions_are_the_golden_ones() => AssertGolden("excluding.nft", Ruleset.Full(Read(
        inbound: [9090, 80, 80], outbound: [5432], "10.0.0.0/8", "10.1.0.0/16", "192.168.7.9/24", "fd00::1/8", "2001:db8::1/128")).Text);

    [Fact]
    public void The_quiet_rules_are_the_full_ones_without_the_two_redirects()
    {
        var full = Ruleset.Full(Exclusions.None).Text.Split('\n');
        Assert.Equal(Ruleset.Quiet.Text.Split('\n'), full.Where(line => !line.Contains("redirect", StringComparison.Ordinal)));
        Assert.Equal(2, full.Count(line => line.Contains("redirect", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_range_of_everything_stands_alone_and_needs_no_set()
    {
        string text = Ruleset.Full(Read([], [], "0.0.0.0/0", "10.0.0.0/8", "::/0", "fd00::/8")).Text;
        Assert.Contains("meta nfproto ipv4 return", text, StringComparison.Ordinal);
        Assert.Contains("meta nfproto ipv6 return", text, StringComparison.Ordinal);
        Assert.DoesNotContain("daddr {", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Equal_exclusions_in_another_order_give_equal_rules() => Assert.Equal(
        Ruleset.Full(Read([1, 2], [3, 4], "10.0.0.0/8", "fd00::/8", "11.0.0.0/8")),
        Ruleset.Full(Read([2, 1, 2], [4, 3], "11.0.0.0/8", "fd00::/8", "10.9.9.9/8")));

    [Theory]
    [InlineData(0u)]
    [InlineData(65536u)]
    [InlineData(uint.MaxValue)]
    public void A_port_that_is_none_is_refused(uint port)
    {
        Assert.False(Exclusions.TryRead(new CapturedPod { ExcludeInboundPorts = { port } }, out _, out string reason));
        Assert.Contains($"{port}", reason, StringComparison.Ordinal);
        Assert.False(Exclusions.TryRead(new CapturedPod { ExcludeOutboundPorts = { port } }, out _, out _));
    }

    [Theory]
    [InlineData(4, 33u)]
    [InlineData(16, 129u)]
    [InlineData(0, 0u)]
    [InlineData(5, 8u)]
    public void A_range_that_is_none_is_refused(int addressBytes, uint prefix) => Assert.False(Exclusions.TryRead(
        new CapturedPod { ExcludeOutboundRanges = { new ExcludedRange { Address = ByteString.CopyFrom(new byte[addressBytes]), PrefixLength = prefix } } },
        out _, out _));

    private static Exclusions Read(uint[] inbound, uint[] outbound, params string[] ranges)
    {
        var pod = new CapturedPod();
        pod.ExcludeInboundPorts.Add(inbound);
        pod.ExcludeOutboundPorts.Add(outbound);
        foreach (string range in ranges)
        {
            string[] parts = range.Split('/');
            pod.ExcludeOutboundRanges.Add(new ExcludedRange
            {
                Address = ByteString.CopyFrom(IPAddress.Parse(parts[0]).GetAddressBytes()),
                PrefixLength = uint.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture),
            });
        }
        Assert.True(Exclusions.TryRead(pod, out var exclusions, out string reason), reason);
        return exclusions;
    }

    // AMBIENT_REWRITE_GOLDEN=1 rewrites the files; the difference is reviewed like code.
    private static void AssertGolden(string name, string text, [CallerFilePath] string here = "")
    {
        string path = Path.Combine(Path.GetDirectoryName(here)!, "Golden", name);
        if (Environment.GetEnvironmentVariable("AMBIENT_REWRITE_GOLDEN") == "1")
            File.WriteAllText(path, text);
        Assert.Equal(File.ReadAllText(path), text);
    }
}
