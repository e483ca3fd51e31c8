using System.Globalization;
using System.Net;
using System.Net.Sockets;
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
        var page = "";
        await Task.Factory.StartNew(() => LoadTarget.InEach([new LoadTarget(network, new IPEndPoint(IPAddress.Loopback, Port))], target => page = Ask(target)),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        // " accepts handled requests", and the three numbers on the next line
        var numbers = page.Split('\n') is { Length: > 2 } lines ? lines[2].Split(' ', StringSplitOptions.RemoveEmptyEntries) : [];
        return numbers.Length == 3 ? long.Parse(numbers[2], CultureInfo.InvariantCulture) : throw new LabException($"nginx did not say what was expected of it: {page}");
    }

    private static string Ask(LoadTarget target)
    {
        using var socket = target.Connect();
        socket.ReceiveTimeout = 5000;
        socket.Send("GET /count HTTP/1.0\r\n\r\n"u8);
        using var reader = new StreamReader(new NetworkStream(socket));
        var answer = reader.ReadToEnd();
        return answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
    }

    private static Command In(string folder, string network)
    {
        var file = Path.Combine(folder, $"server-{network}.conf");
        File.WriteAllText(file,
            $$"""
            user root root; # there may be no other
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
