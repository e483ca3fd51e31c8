using System.Globalization;
using System.Text;

namespace Ambient.Redirector.Rules;

/// <summary>
/// The nftables text for one pod's namespace. It is one transaction, idempotent, and holds nothing but our constants, ports and ranges:
/// no string from outside ever reaches it. The quiet form is the same table without the two redirects: connections that were redirected
/// live on, new ones go direct (deleting the table resets them). Golden files: tests/Unit/Redirector/Golden.
/// </summary>
internal sealed record Ruleset(string Text, bool IsQuiet)
{
    /// <summary>Takes the table away, whether or not it is there.</summary>
    public const string Removal = $"table inet {CaptureNumbers.Table}\ndelete table inet {CaptureNumbers.Table}\n";

    /// <summary>The rules that capture.</summary>
    public static Ruleset Full(Exclusions exclusions) => exclusions.AreNone ? Unlimited : new(Write(exclusions, isQuiet: false), IsQuiet: false);

    /// <summary>The rules for the time after withdrawal.</summary>
    public static Ruleset Quiet { get; } = new(Write(Exclusions.None, isQuiet: true), IsQuiet: true);

    // Nearly all pods have these: one text for all of them.
    private static Ruleset Unlimited { get; } = new(Write(Exclusions.None, isQuiet: false), IsQuiet: false);

    /// <summary>Rules with every construct that they may hold.</summary>
    public static Ruleset Sample { get; } = Full(Exclusions.Sample);

    // Every packet passes raw_pre or raw_out and nothing else of ours, so what is asked most comes first, and interfaces are asked by number.
    // Tracked, for the redirect's address translation, is only what an app and the proxy say to each other on redirected connections:
    // - raw_pre, from outside: packets of the proxy's own sockets, and links. What is tracked lives in conntrack zone 1, original
    //   direction only, so that the proxy's copy of a client's connection (same addresses, perhaps same ports) is nobody's twin.
    // - own_pre, through lo: a connection that the proxy opened to the pod's own app carries the socket's mark. Its packets get the
    //   connection's, which the app's socket inherits (PodSettings.MarkAccept) and answers without a socket bear (PodSettings.MarkReflect):
    //   by it they are routed back to the proxy, and it outlasts these rules. On a redirected connection the proxy's packets lose the
    //   mark, else an app's last acknowledgement, which no socket sends, would bear it and leave in the clear.
    // - raw_out: answers with the connection's mark, and all that the proxy sends except to redirected clients.
    // other: what is no TCP passes, and is counted.
    // nat: only the first packet of a connection (SYN), so that a connection from before capture is left alone.
    private static string Write(Exclusions exclusions, bool isQuiet)
    {
        var text = new StringBuilder(Removal);
        string mask = Hex(CaptureNumbers.MarkMask), rest = Hex(~CaptureNumbers.MarkMask);
        string socket = Hex(CaptureNumbers.SocketMark), connection = Hex(CaptureNumbers.ConnectionMark);
        Open(text, $"table inet {CaptureNumbers.Table}", 0);
        foreach (string set in NonTcpSets.Definitions)
            text.Append("    ").Append(set).Append('\n');
        Chain(text, NonTcpSets.Chain, "", [.. NonTcpSets.Rules]);
        Chain(text, "own_pre", "",
            "meta l4proto != tcp return",
            $"meta mark & {mask} != {socket} return",
            $"ct state untracked meta mark set meta mark & {rest} | {connection} return",
            $"meta mark set meta mark & {rest}");
        Chain(text, "raw_pre", "type filter hook prerouting priority raw; policy accept;",
            "iif \"lo\" goto own_pre",
            Line($"meta l4proto != tcp goto {NonTcpSets.Chain}"),
            Line($"tcp dport {CaptureNumbers.TunnelPort} notrack return"),
            Line($"tcp dport != {CaptureNumbers.InboundPort} tcp dport != {CaptureNumbers.OutboundPort} socket mark & {mask} == {socket} notrack return"),
            "ct original zone set 1");
        Chain(text, "raw_out", "type filter hook output priority raw; policy accept;",
            Line($"meta l4proto != tcp oif != \"lo\" goto {NonTcpSets.Chain}"),
            $"meta mark & {mask} == {connection} notrack return",
            $"meta mark & {mask} != {socket} return",
            Line($"tcp sport {CaptureNumbers.OutboundPort} return"),
            Line($"tcp sport {CaptureNumbers.InboundPort} return"),
            "notrack");
        Chain(text, "nat_pre", "type nat hook prerouting priority dstnat; policy accept;",
        [
            "meta l4proto != tcp return",
            "tcp flags & (fin|syn|rst|ack) != syn return",
            "iif \"lo\" return",
            Line($"tcp dport {CaptureNumbers.TunnelPort} return"),
            .. Ports(exclusions.InboundPorts),
            .. isQuiet ? (string[])[] : [Line($"meta l4proto tcp redirect to :{CaptureNumbers.InboundPort}")],
        ]);
        Chain(text, "nat_out", "type nat hook output priority -100; policy accept;",
        [
            "meta l4proto != tcp return",
            "tcp flags & (fin|syn|rst|ack) != syn return",
            $"meta mark & {mask} == {socket} return",
            "oif \"lo\" return",
            .. Ports(exclusions.OutboundPorts),
            .. Ranges(exclusions.OutboundRanges.Where(r => !r.IsIpv6), "ip", "ipv4"),
            .. Ranges(exclusions.OutboundRanges.Where(r => r.IsIpv6), "ip6", "ipv6"),
            .. isQuiet ? (string[])[] : [Line($"meta l4proto tcp redirect to :{CaptureNumbers.OutboundPort}")],
        ]);
        text.Append("}\n");
        return text.ToString();
    }

    private static IEnumerable<string> Ports(IReadOnlyCollection<int> ports)
    {
        if (ports.Count > 0)
            yield return $"tcp dport {{ {string.Join(", ", ports.Select(p => p.ToString(CultureInfo.InvariantCulture)))} }} return";
    }

    private static IEnumerable<string> Ranges(IEnumerable<AddressRange> ranges, string header, string protocol)
    {
        var all = ranges.ToList();
        // A set with the range of everything is refused; it is alone, since no other range can lie beside it.
        if (all.Exists(r => r.PrefixLength == 0))
            yield return $"meta nfproto {protocol} return";
        else if (all.Count > 0)
            yield return $"{header} daddr {{ {string.Join(", ", all)} }} return";
    }

    private static void Chain(StringBuilder text, string name, string hook, params ReadOnlySpan<string> rules)
    {
        Open(text, $"chain {name}", 1);
        if (hook.Length > 0)
            text.Append("        ").Append(hook).Append('\n');
        foreach (string rule in rules)
            text.Append("        ").Append(rule).Append('\n');
        text.Append("    }\n");
    }

    private static void Open(StringBuilder text, string what, int depth) => text.Append(' ', depth * 4).Append(what).Append(" {\n");

    private static string Hex(uint value) => "0x" + value.ToString("x8", CultureInfo.InvariantCulture);

    private static string Line(FormattableString line) => FormattableString.Invariant(line);
}
