using System.Net;
using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Native.Sockets;

namespace Ambient.Cli.Check;

/// <summary>
/// The proof of capture: two scratch namespaces with a wire between them, our rules in one. A connect out of it and one into it must be
/// redirected, and whoever listens must learn where they were meant to go. Both families.
/// </summary>
internal sealed class Canary(NamespaceEntry entry, ScratchTools tools, string rules)
{
    private const int AppPort = 8080; // where nobody listens

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly (string Family, IPAddress Pod, IPAddress Peer)[] Families =
    [
        ("IPv4", IPAddress.Parse("198.51.100.1"), IPAddress.Parse("198.51.100.2")),
        ("IPv6", IPAddress.Parse("fd00:5c::1"), IPAddress.Parse("fd00:5c::2")),
    ];

    public IEnumerable<CheckResult> Run()
    {
        const string Name = "capture canary";
        if (tools.Nft is null || tools.Ip is null)
        {
            var (program, package) = tools.Nft is null ? ("nft", "nftables") : ("ip", "iproute2");
            yield return CheckResult.CannotTell(Name, $"{program} is missing", $"apt-get install -y {package}");
            yield break;
        }
        var hasIpv6 = File.Exists("/proc/net/if_inet6");
        using var pod = entry.CreateNamespace();
        using var peer = entry.CreateNamespace();
        if (Furnish(pod, peer, hasIpv6) is { Length: > 0 } fault)
        {
            yield return CheckResult.CannotTell(Name, fault, "modprobe veth, then try again.");
            yield break;
        }
        foreach (var (family, own, other) in hasIpv6 ? Families : Families[..1])
        {
            yield return Judge($"{Name}, {family} out", Try(pod, pod, MeshNumbers.OutboundPort, own.AddressFamily, new IPEndPoint(other, AppPort)));
            yield return Judge($"{Name}, {family} in", Try(pod, peer, MeshNumbers.InboundPort, own.AddressFamily, new IPEndPoint(own, AppPort)));
        }
    }

    private static CheckResult Judge(string name, string fault) => fault.Length == 0
        ? CheckResult.Ok(name, "redirected, with its original destination")
        : CheckResult.Fail(name, fault, "See what failed above; else look for other rules of this machine with nft list ruleset.");

    // A namespace is named to ip(8) by our own descriptor of it.
    private string Furnish(NetworkNamespace pod, NetworkNamespace peer, bool hasIpv6)
    {
        string Half(NetworkNamespace inside, Func<(string, IPAddress, IPAddress), IPAddress> own, params string[] first) => entry.Run(inside, () => tools.Batch(
        [
            .. first, "link set lo up", $"addr add {own(Families[0])}/24 dev eth0", .. hasIpv6 ? [$"addr add {own(Families[1])}/64 dev eth0 nodad"] : Array.Empty<string>(), "link set eth0 up",
        ]));
        var wired = Half(pod, family => family.Item2, $"link add eth0 type veth peer name eth0 netns /proc/{Environment.ProcessId}/fd/{peer.Number}");
        if (wired.Length == 0) wired = Half(peer, family => family.Item3);
        return wired.Length > 0 ? wired : entry.Run(pod, () => tools.Load(rules));
    }

    private string Try(NetworkNamespace pod, NetworkNamespace from, int port, AddressFamily family, IPEndPoint target)
    {
        try
        {
            using var listener = entry.Run(pod, () =>
            {
                var socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, port));
                socket.Listen();
                return socket;
            });
            using var client = entry.Run(from, () => new Socket(family, SocketType.Stream, ProtocolType.Tcp));
            using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
            client.ConnectAsync(target, patience.Token).AsTask().GetAwaiter().GetResult();
            using var accepted = listener.AcceptAsync(patience.Token).AsTask().GetAwaiter().GetResult();
            return !SocketCalls.TryGetOriginalDestination((int)accepted.Handle, out var original) ? "the listener does not learn the original destination (SO_ORIGINAL_DST)"
                : original.Equals(target) ? ""
                : $"meant for {target}, the listener was told {original}";
        }
        catch (OperationCanceledException)
        {
            return $"a connect to {target} reached nobody within {Patience.TotalSeconds:0} s";
        }
        catch (SocketException fault)
        {
            return $"a connect to {target} was not redirected: {fault.SocketErrorCode}";
        }
        catch (SystemCallException fault)
        {
            return fault.Message;
        }
    }
}
