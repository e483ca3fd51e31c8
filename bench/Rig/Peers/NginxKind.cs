using System.Collections.Immutable;
using System.Text;
using Ambient.Bench.Rig.Accounting;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Peers;

/// <summary>nginx as a stream proxy: a worker a core, each with its own queue of connections (reuseport), TLS sessions reused, its stream module's documented settings.</summary>
internal sealed class NginxKind(int portOffset, string folder) : ProxyKind("nginx", portOffset)
{
    // Where distributions put it: Debian and nginx's own packages, Fedora and its kin.
    private static readonly string[] Places = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/local/lib/nginx/modules", "/usr/share/nginx/modules"];

    private static string? Module => Places.Select(folder => Path.Combine(folder, "ngx_stream_module.so")).FirstOrDefault(File.Exists);

    /// <summary>Whether this machine's nginx has the stream module.</summary>
    public static bool IsInstalled => Module is not null;

    public override ProxySetup Client(ImmutableArray<ProxyRoute> routes) => Write("a", routes, listen: "", keys =>
        $"""
            proxy_ssl on;
            proxy_ssl_protocols TLSv1.3;
            proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;
            proxy_ssl_verify on;
            proxy_ssl_name {keys.ServerName};
            proxy_ssl_trusted_certificate {keys.Root};
            proxy_ssl_certificate {keys.A};
            proxy_ssl_certificate_key {keys.A};
            proxy_ssl_session_reuse on;
        """);

    public override ProxySetup Server(ImmutableArray<ProxyRoute> routes) => Write("b", routes, listen: " ssl", keys =>
        $"""
            ssl_protocols TLSv1.3;
            ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384;
            ssl_certificate {keys.B};
            ssl_certificate_key {keys.B};
            ssl_client_certificate {keys.Root};
            ssl_verify_client on;
            ssl_session_cache shared:tls:10m;
        """);

    public override ProxySetup Plain(ImmutableArray<ProxyRoute> routes) => Write("plain", routes, listen: "", _ => "");

    private ProxySetup Write(string side, ImmutableArray<ProxyRoute> routes, string listen, Func<PeerKeys, string> tls)
    {
        var text = new StringBuilder(
            $$"""
            load_module {{Module}};
            user root root; # there may be no other
            daemon off;
            worker_processes {{Environment.ProcessorCount}};
            pid {{folder}}/nginx-{{side}}.pid;
            error_log stderr error;
            events { worker_connections {{2 * DescriptorLimit.OfRelay}}; }
            stream {
                tcp_nodelay on;
                proxy_connect_timeout 10s;
                proxy_timeout 1h;

            """);
        foreach (var route in routes)
            text.AppendLine($"    server {{ listen {route.From}{listen} backlog=4096 reuseport; proxy_pass {route.To};\n{tls(route.Keys)}    }}");
        text.AppendLine("}");
        var file = Path.Combine(folder, $"nginx-{side}.conf");
        File.WriteAllText(file, text.ToString());
        return new ProxySetup(Command.Of("nginx", "-c", file, "-e", "stderr"), text.ToString());
    }
}
