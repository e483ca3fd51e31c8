using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Redirector.Rules;

/// <summary>What of a pod's traffic is not captured. Normal form: sorted, without doubles, so that equal exclusions give equal rules.</summary>
internal sealed class Exclusions
{
    private Exclusions(ImmutableArray<int> inboundPorts, ImmutableArray<int> outboundPorts, ImmutableArray<AddressRange> outboundRanges) =>
        (InboundPorts, OutboundPorts, OutboundRanges) = (inboundPorts, outboundPorts, outboundRanges);

    public static Exclusions None { get; } = new([], [], []);

    /// <summary>Two of each kind, in address ranges that are for documentation only (RFC 5737, RFC 3849).</summary>
    public static Exclusions Sample { get; } = new([1, 2], [1, 2],
    [
        new(IPAddress.Parse("192.0.2.0"), 28), new(IPAddress.Parse("203.0.113.0"), 24), new(IPAddress.Parse("2001:db8:1::"), 48), new(IPAddress.Parse("2001:db8:2::"), 48),
    ]);

    public ImmutableArray<int> InboundPorts { get; }

    public ImmutableArray<int> OutboundPorts { get; }

    /// <summary>No range lies within another one: nft refuses overlaps in a set.</summary>
    public ImmutableArray<AddressRange> OutboundRanges { get; }

    /// <summary>All of the pod's TCP is captured.</summary>
    public bool AreNone => InboundPorts.IsEmpty && OutboundPorts.IsEmpty && OutboundRanges.IsEmpty;

    /// <summary>Reads a pod's exclusions. A port or range that cannot be one is a reason to capture nothing, not to guess.</summary>
    public static bool TryRead(CapturedPod pod, out Exclusions exclusions, out string reason)
    {
        exclusions = None;
        foreach (uint port in pod.ExcludeInboundPorts.Concat(pod.ExcludeOutboundPorts))
            if (port is 0 or > 65535)
                return Refuse($"excluded port {port} is no port", out reason);
        var ranges = new List<AddressRange>();
        foreach (var wire in pod.ExcludeOutboundRanges)
        {
            if (!AddressRange.TryRead(wire.Address.Span, wire.PrefixLength, out var range))
                return Refuse($"an excluded range of {wire.Address.Length} bytes with prefix {wire.PrefixLength} is no range", out reason);
            ranges.Add(range);
        }
        exclusions = new Exclusions(Ports(pod.ExcludeInboundPorts), Ports(pod.ExcludeOutboundPorts), WithoutOverlap(ranges));
        reason = "";
        return true;
    }

    private static ImmutableArray<int> Ports(IEnumerable<uint> ports) => [.. ports.Select(p => (int)p).Distinct().Order()];

    private static ImmutableArray<AddressRange> WithoutOverlap(List<AddressRange> ranges) =>
    [
        .. ranges.Distinct()
            .Where(range => !ranges.Any(other => other != range && other.Contains(range)))
            .OrderBy(range => range.IsIpv6)
            .ThenBy(range => Convert.ToHexString(range.Address.GetAddressBytes()), StringComparer.Ordinal),
    ];

    private static bool Refuse(string why, out string reason)
    {
        reason = why;
        return false;
    }
}
