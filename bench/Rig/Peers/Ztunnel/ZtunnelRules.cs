using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers.Ztunnel;

/// <summary>
/// The rules by which a pod's connections come to a ztunnel: those of Istio's CNI agent for its in-pod mode, without the ones for names and
/// probes, as nft(8) text.
/// </summary>
internal static class ZtunnelRules
{
    public const string Text = """
        table inet istio {
            chain mangle_pre {
                type filter hook prerouting priority mangle; policy accept;
                meta mark & 0x00000fff == 0x00000539 ct mark set ct mark & 0xfffff000 | 0x00000111
            }
            chain mangle_out {
                type route hook output priority mangle; policy accept;
                ct mark & 0x00000fff == 0x00000111 meta mark set ct mark
            }
            chain nat_pre {
                type nat hook prerouting priority dstnat; policy accept;
                ip daddr != 127.0.0.1 tcp dport != 15008 meta mark & 0x00000fff != 0x00000539 redirect to :15006
            }
            chain nat_out {
                type nat hook output priority -100; policy accept;
                meta l4proto tcp meta mark & 0x00000fff == 0x00000111 accept
                oifname "lo" ip daddr != 127.0.0.1 accept
                ip daddr != 127.0.0.1 meta l4proto tcp meta mark & 0x00000fff != 0x00000539 redirect to :15001
            }
        }
        """;

    /// <summary>Puts them into a pod, and the route by which answers to a connection with the client's own address come back to the ztunnel.</summary>
    /// <param name="network">The pod's network namespace.</param>
    /// <param name="folder">For the text.</param>
    public static async Task ApplyAsync(string network, string folder)
    {
        var file = Path.Combine(folder, "ztunnel.nft");
        await File.WriteAllTextAsync(file, Text);
        await Tool.MustAsync(Command.Of("nft", "-f", file).Inside(network));
        await Tool.MustAsync(Command.Of("ip", "rule", "add", "fwmark", "0x111/0xfff", "pref", "32764", "lookup", "100").Inside(network));
        await Tool.MustAsync(Command.Of("ip", "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100").Inside(network));
    }
}
