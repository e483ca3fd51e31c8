using System.Collections.Immutable;
using System.Text;
using Ambient.Bench.Rig.Accounting;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>
/// HAProxy, tuned as its configuration manual recommends: a thread a core; TLS sessions and tickets reused on both sides (its default), the
/// same cipher first as ours; packets saved where it can
/// (tcp-smart-accept, tcp-smart-connect); splice where both sides are plain. In HTTP mode it keeps connections alive, speaks HTTP/2 between
/// the hops (proto h2) and shares those for all clients (http-reuse always). What the manual says not to touch (tune.bufsize,
/// tune.maxpollevents) is as it is.
/// </summary>
internal sealed class HaproxyKind(string name, int portOffset, string program, string folder, bool http) : ProxyKind(name, portOffset)
{
    // More need groups of threads, which the manual leaves to whoever knows the machine.
    private const int MostThreads = 64;

    private const string Suites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";

    private string H2 => http ? " alpn h2 proto h2" : "";

    public override ProxySetup Client(ImmutableArray<ProxyRoute> routes) => Write("a", routes,
        _ => "", keys => $"ssl verify required ca-file {keys.Root} crt {keys.A} sni str({keys.ServerName}) verifyhost {keys.ServerName}{H2}");

    public override ProxySetup Server(ImmutableArray<ProxyRoute> routes) => Write("b", routes,
        keys => $"ssl crt {keys.B} ca-file {keys.Root} verify required{H2}", _ => "");

    public override ProxySetup Plain(ImmutableArray<ProxyRoute> routes) => Write("plain", routes, _ => "", _ => "");

    private ProxySetup Write(string side, ImmutableArray<ProxyRoute> routes, Func<PeerKeys, string> bind, Func<PeerKeys, string> server)
    {
        var text = new StringBuilder(
            $"""
            global
                nbthread {Math.Min(MostThreads, Environment.ProcessorCount)}
                maxconn {DescriptorLimit.OfRelay}
                ssl-default-bind-options ssl-min-ver TLSv1.3
                ssl-default-bind-ciphersuites {Suites}
                ssl-default-server-options ssl-min-ver TLSv1.3
                ssl-default-server-ciphersuites {Suites}
            defaults
                mode {(http ? "http" : "tcp")}
                timeout connect 10s
                timeout client 1h
                timeout server 1h
                {(http ? "timeout http-keep-alive 1h\n    http-reuse always" : "option tcp-smart-accept\n    option tcp-smart-connect\n    option splice-auto")}

            """);
        foreach (var route in routes)
        {
            text.AppendLine($"listen p{route.From.Port}");
            text.AppendLine($"    bind {route.From} {bind(route.Keys)}".TrimEnd());
            text.AppendLine($"    server next {route.To} {server(route.Keys)}".TrimEnd());
        }
        var file = Path.Combine(folder, $"{Name}-{side}.cfg");
        File.WriteAllText(file, text.ToString());
        return new ProxySetup(Command.Of(program, "-db", "-f", file), text.ToString());
    }
}
