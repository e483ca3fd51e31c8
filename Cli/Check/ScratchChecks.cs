using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Native.Netlink;

namespace Ambient.Cli.Check;

/// <summary>
/// What can only be known by doing it, in network namespaces that nobody else has and that end with this process: rules are loaded,
/// sockets made, a connection redirected. One thread, which owns the entry.
/// </summary>
internal sealed class ScratchChecks(NamespaceEntry entry, ScratchTools tools, string rules)
{
    private const string LooseSetting = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";

    // What the rules are made of, one by one: where the whole does not load, these say why.
    private static readonly (string Name, string Set, string Hook, string Rule, string Mend)[] Constructs =
    [
        ("nft tables", "", "type filter hook prerouting priority raw; policy accept;", "meta l4proto tcp accept", "modprobe nf_tables (CONFIG_NF_TABLES_INET)."),
        ("conntrack zones", "", "type filter hook prerouting priority raw; policy accept;", "iifname != \"lo\" meta l4proto tcp ct original zone set 1",
            "modprobe nf_conntrack nft_ct (CONFIG_NF_CONNTRACK_ZONES)."),
        ("conntrack marks", "", "type route hook output priority mangle; policy accept;", "ct direction reply ct mark & 0xfff == 0x111 meta mark set meta mark & 0xfffff000 | 0x111",
            "modprobe nft_ct nft_chain_route (CONFIG_NF_CONNTRACK_MARK)."),
        ("nft redirect", "", "type nat hook output priority -100; policy accept;", "meta l4proto tcp redirect to :15001", "modprobe nft_redir nft_chain_nat (CONFIG_NFT_REDIR)."),
        ("nft sets", "", "", "tcp dport { 1, 2 } ip daddr { 192.0.2.0/28, 203.0.113.0/24 } return", "modprobe nf_tables (CONFIG_NF_TABLES with set back ends)."),
        ("nft counting sets", "set s { type ipv4_addr . ipv4_addr . inet_proto; size 8; flags dynamic,timeout; timeout 1m; counter; }", "",
            "update @s { ip saddr . ip daddr . meta l4proto }", "Linux 5.7 and nft 0.9.5 or newer."),
    ];

    public IEnumerable<CheckResult> Run()
    {
        if (tools.Nft is null)
        {
            yield return CheckResult.CannotTell("rules", "nft is missing", "apt-get install -y nftables");
        }
        else
        {
            foreach (var (name, set, hook, rule, mend) in Constructs)
                yield return InScratch(() => tools.Load($"table inet t {{\n{set}\nchain c {{\n{hook}\n{rule}\n}}\n}}\n")) is { Length: > 0 } fault ? CheckResult.Fail(name, fault, mend) : CheckResult.Ok(name, "loaded");
            yield return InScratch(() => tools.Load(rules)) is { Length: > 0 } refusal
                ? CheckResult.Fail("rules", refusal, "See what failed above; if nothing did, report this with the version of nft.")
                : CheckResult.Ok("rules", "Ambient's rules load in a scratch namespace");
            yield return Loose();
        }
        yield return Routing();
        yield return Sockets();
        foreach (var result in new Canary(entry, tools, rules).Run()) yield return result;
    }

    private string InScratch(Func<string> work)
    {
        using var scratch = entry.CreateNamespace();
        return entry.Run(scratch, work);
    }

    private CheckResult Loose()
    {
        const string Name = "tcp_loose";
        using var scratch = entry.CreateNamespace();
        return entry.Run(scratch, () =>
        {
            if (tools.Load(rules) is { Length: > 0 }) return CheckResult.CannotTell(Name, "the rules do not load", "See what failed above.");
            try
            {
                File.WriteAllText(LooseSetting, "0");
                return CheckResult.Ok(Name, "nf_conntrack_tcp_loose can be set in a namespace");
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return CheckResult.Warn(Name, $"{LooseSetting}: {fault.Message}", "Mount /proc/sys writable for ambient-redirector: else connections from before capture leave entries for days.");
            }
        });
    }

    private CheckResult Routing()
    {
        using var scratch = entry.CreateNamespace();
        return entry.Run(scratch, () =>
        {
            using var routes = new RouteSocket();
            var error = routes.AddRule(AddressFamily.InterNetwork, MeshNumbers.ReplyRule);
            return error is Errno.None
                ? CheckResult.Ok("routing by mark", "a rule can be added in a namespace")
                : CheckResult.Fail("routing by mark", $"ip rule fwmark: {error}", "A kernel with CONFIG_IP_MULTIPLE_TABLES.");
        });
    }

    private CheckResult Sockets()
    {
        using var scratch = entry.CreateNamespace();
        return entry.Run(scratch, () =>
        {
            Errno error = Errno.None;
            using var socket = MarkedSockets.TryUpstream(MeshNumbers.SocketMark, ipv4Only: false, out error);
            if (socket is not null) return CheckResult.Ok("transparent sockets", "IPv4 and IPv6");
            using var ipv4 = MarkedSockets.TryUpstream(MeshNumbers.SocketMark, ipv4Only: true, out var errorV4);
            return ipv4 is not null
                ? CheckResult.Warn("transparent sockets", $"IPv4 only ({error} for IPv6)", "Remove ipv6.disable=1 from the kernel's command line, if pods are to have IPv6.")
                : CheckResult.Fail("transparent sockets", $"{errorV4}", "CAP_NET_ADMIN for ambient-redirector.");
        });
    }
}
