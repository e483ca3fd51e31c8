using System.Globalization;
using Ambient.Bench.Rig.Peers;
using Ambient.Cli.Lab;

namespace Ambient.Bench.Rig.Loads;

/// <summary>The server behind every HTTP scenario: nginx with one worker and a body of 1 KB.</summary>
internal static class HttpServer
{
    public const int Port = 8080;

    /// <summary>Starts it in a pod and waits until it serves.</summary>
    public static Task<LabProcess> StartAsync(Ground ground, string network) => Listening.StartAsync(ground.Lab, "nginx", In(ground.Folder, network), network, Port);

    /// <summary>How many requests it has had. nginx: ngx_http_stub_status_module.</summary>
    public static async Task<long> CountAsync(string network)
    {
        var page = await Tool.MustAsync(Command.Of("curl", "-s", $"http://127.0.0.1:{Port}/count").Inside(network));
        // " accepts handled requests", and the three numbers on the next line
        var numbers = page.Split('\n') is { Length: > 2 } lines ? lines[2].Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];
        return numbers.Length == 3 ? long.Parse(numbers[2], CultureInfo.InvariantCulture) : throw new LabException($"nginx did not say what was expected of it: {page}");
    }

    private static Command In(string folder, string network)
    {
        var file = Path.Combine(folder, $"server-{network}.conf");
        File.WriteAllText(file,
            $$"""
            daemon off;
            worker_processes 1;
            pid {{folder}}/server-{{network}}.pid;
            error_log stderr error;
            events { worker_connections 10000; }
            http {
                access_log off;
                keepalive_requests 1000000000;
                keepalive_timeout 1h;
                server { listen {{Port}} backlog=4096; location = /count { stub_status; } location / { return 200 "{{new string('x', 1023)}}\n"; } }
            }
            """);
        return Command.Of("nginx", "-c", file, "-e", "stderr");
    }
}
