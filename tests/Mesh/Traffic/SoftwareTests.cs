using System.Globalization;
using System.Security.Cryptography;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>Software that knows nothing of the mesh, at both ends of it.</summary>
public sealed class SoftwareTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private readonly string _folder = Directory.CreateTempSubdirectory("software-").FullName;
    private readonly List<LabProcess> _servers = [];

    [Theory]
    [InlineData("jobs", "jobs-23", false)]
    [InlineData("jobs", "jobs-23", true)]
    [InlineData("cache", "cache-12", false)]
    [InlineData("cache", "cache-12", true)]
    public async Task Curl_fetches_files_from_nginx_by_the_address_of_a_service(string service, string server, bool ipv6)
    {
        var lab = await MeshAsync("nginx", "curl");
        var file = RandomNumberGenerator.GetBytes(5_000_000);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "file"), file);
        await ServeNginxAsync(lab, lab.Plan.Pod(server));
        var address = ipv6 ? $"[{lab.Plan.Service(service).V6}]" : lab.Plan.Service(service).V4.ToString();
        var fetched = Path.Combine(_folder, "fetched");

        // Twenty times over one connection, then once over each of five.
        var again = Enumerable.Repeat(new[] { "-o", fetched, $"http://{address}/file" }, 20).SelectMany(arguments => arguments).ToArray();
        var codes = await CurlAsync(["-w", "%{http_code} %{num_connects}\n", .. again]);
        Assert.Equal(20, codes.Length);
        Assert.All(codes, code => Assert.StartsWith("200 ", code));
        Assert.Equal(1, codes.Sum(code => int.Parse(code.Split(' ')[1], CultureInfo.InvariantCulture)));
        for (var i = 0; i < 5; i++) Assert.Equal(["200"], await CurlAsync(["-w", "%{http_code}\n", "-o", fetched, $"http://{address}/file"]));
        Assert.Equal(SHA256.HashData(file), SHA256.HashData(await File.ReadAllBytesAsync(fetched)));

        // Upload, and what nginx says of a file that is not there.
        Assert.Equal(["404"], await CurlAsync(["-w", "%{http_code}\n", "-o", "/dev/null", $"http://{address}/nothing"]));

        async Task<string[]> CurlAsync(string[] arguments) =>
            (await Tool.MustAsync(Command.Of("curl", ["-sS", "--max-time", "30", .. arguments]).Inside("p11"))).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Theory]
    [InlineData("jobs", "jobs-23")]
    [InlineData("cache", "cache-12")]
    public async Task Redis_benchmark_runs_against_redis_with_many_connections_and_with_pipelines(string service, string server)
    {
        var lab = await MeshAsync("redis-server", "redis-benchmark");
        _servers.Add(LabProcess.Start("redis", Command.Of(
            "redis-server", "--port", $"{Plans.AppPort}", "--bind", "*", "-::*", "--save", "", "--protected-mode", "no", "--dir", _folder).Inside(lab.Plan.Pod(server).Network), lab.Log));
        await AnswersAsync(lab, server, "redis");
        foreach (var address in (System.Net.IPAddress[])[lab.Plan.Service(service).V4, lab.Plan.Service(service).V6])
        {
            foreach (string[] kind in new[] { new[] { "-c", "50", "-n", "10000" }, ["-c", "20", "-n", "20000", "-P", "16"], ["-c", "10", "-n", "1000", "-d", "60000"] })
            {
                var result = await Tool.RunAsync(Command.Of("redis-benchmark", ["-h", $"{address}", "-p", "80", "-t", "set,get", "--csv", .. kind]).Inside("p11"), atMost: TimeSpan.FromSeconds(60));
                var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line.StartsWith("\"SET\"", StringComparison.Ordinal) || line.StartsWith("\"GET\"", StringComparison.Ordinal));
                TestContext.Current.TestOutputHelper?.WriteLine(result.Output);
                Assert.True(result.ExitCode == 0 && lines.Count() == 2, result.Output + result.Error);
            }
        }
    }

    private protected override async ValueTask EndAsync()
    {
        foreach (var server in _servers) await server.KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task ServeNginxAsync(Lab lab, PodPlan pod)
    {
        Rights.Set(_folder, "0755");
        await File.WriteAllTextAsync(Path.Combine(_folder, "nginx.conf"), $$"""
            user root root; # there may be no other
            daemon off;
            master_process off;
            pid {{_folder}}/pid;
            error_log stderr;
            events { worker_connections 512; }
            http {
                access_log off;
                client_body_temp_path {{_folder}}/body; proxy_temp_path {{_folder}}/proxy; fastcgi_temp_path {{_folder}}/fastcgi;
                uwsgi_temp_path {{_folder}}/uwsgi; scgi_temp_path {{_folder}}/scgi;
                server { listen {{Plans.AppPort}}; listen [::]:{{Plans.AppPort}}; root {{_folder}}; keepalive_requests 10000; }
            }
            """);
        _servers.Add(LabProcess.Start("nginx", Command.Of("nginx", "-p", _folder, "-c", Path.Combine(_folder, "nginx.conf"), "-e", "stderr").Inside(pod.Network), lab.Log));
        await AnswersAsync(lab, pod.Name, "nginx");
    }

    // Asked inside its own pod, where nothing of the mesh is in between.
    private static Task AnswersAsync(Lab lab, string pod, string what) => lab.UntilAsync($"{what} answers", TimeSpan.FromSeconds(10), async () =>
    {
        using var _ = await PodSocket.ConnectAsync(lab.Plan.Pod(pod).Network, System.Net.IPAddress.Loopback, Plans.AppPort);
        return null;
    });
}
