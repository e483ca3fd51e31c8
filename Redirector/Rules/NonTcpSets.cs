using System.Net;
using Ambient.Native.Descriptors;
using Ambient.Native.Netlink;

namespace Ambient.Redirector.Rules;

/// <summary>
/// The sets in which a pod's rules count what is no TCP, by pair and protocol: it passes untouched, and somebody should know how much.
/// An idle pair is forgotten after ten minutes. When a set is full, new pairs are counted by protocol alone.
/// </summary>
internal static class NonTcpSets
{
    public const string Chain = "other";

    private const string Ipv4 = "other4", Ipv6 = "other6", Rest = "other_rest";
    private const string Options = "flags dynamic,timeout; timeout 10m; counter;";

    /// <summary>Lines of the table that make the sets. 1,024 pairs take about 200 KB of kernel memory, and only when a pod has so many.</summary>
    public static IReadOnlyList<string> Definitions =>
    [
        $"set {Ipv4} {{ type ipv4_addr . ipv4_addr . inet_proto; size 1024; {Options} }}",
        $"set {Ipv6} {{ type ipv6_addr . ipv6_addr . inet_proto; size 1024; {Options} }}",
        $"set {Rest} {{ type inet_proto; size 256; {Options} }}",
    ];

    /// <summary>Rules of the chain that counts. Neighbour discovery and group membership are a link's own business: left out.</summary>
    public static IReadOnlyList<string> Rules =>
    [
        "icmpv6 type 130-137 return",
        "icmpv6 type 143 return",
        // update, not add: what goes on is not forgotten. A full set breaks the rule off, and the next one is tried.
        $"meta nfproto ipv4 update @{Ipv4} {{ ip saddr . ip daddr . meta l4proto }} return",
        $"meta nfproto ipv6 update @{Ipv6} {{ ip6 saddr . ip6 daddr . meta l4proto }} return",
        $"update @{Rest} {{ meta l4proto }}",
    ];

    /// <summary>Reads all of them in the calling thread's namespace.</summary>
    /// <exception cref="RulesException">The kernel refused.</exception>
    public static List<NonTcpCount> Read()
    {
        var counts = new List<NonTcpCount>();
        foreach (string set in (string[])[Ipv4, Ipv6, Rest])
        {
            var error = NftSets.VisitElements(CaptureNumbers.TableFamily, CaptureNumbers.Table, set, (key, packets, bytes) =>
            {
                if (TryReadKey(key, out var flow))
                    counts.Add(new NonTcpCount(flow, packets, bytes));
            });
            // Somebody took the table away: that is for those who mend.
            if (error is not (Errno.None or Errno.NoEntry))
                throw new RulesException($"set {set}: {error}");
        }
        return counts;
    }

    /// <summary>Reads a key as the kernel lays it out: each part filled up to 4 bytes.</summary>
    internal static bool TryReadKey(ReadOnlySpan<byte> key, out NonTcpFlow flow)
    {
        flow = key.Length switch
        {
            4 or 1 => new NonTcpFlow(null, null, key[0]),
            12 or 9 => new NonTcpFlow(new IPAddress(key[..4]), new IPAddress(key[4..8]), key[8]),
            36 or 33 => new NonTcpFlow(new IPAddress(key[..16]), new IPAddress(key[16..32]), key[32]),
            _ => default,
        };
        return key.Length is 4 or 1 or 12 or 9 or 36 or 33;
    }
}
