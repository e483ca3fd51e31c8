using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Ambient.Tests.Kubernetes.Cluster;

/// <summary>
/// etcd and kube-apiserver of a folder (<c>KUBEBUILDER_ASSETS</c>), with ports, certificates and keys of their own, as the envtest
/// convention has it: no kubelet, no scheduler and no controllers run, so that pods stay as the test writes them.
/// </summary>
internal sealed class RealApiServer : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    // What the program says goes to a file. It ends with this process, however that ends: with it ends the pipe that the child waits on.
    // (The kernel's signal for a parent's death comes already when the thread ends that started the program.)
    private const string Launch = """exec 3<&0; (read end <&3; kill -KILL $$ 2>/dev/null) & exec "$0" "$@" 3<&- </dev/null >"$LOG" 2>&1""";
    private readonly TemporaryFolder _folder = new();
    private readonly string _assets;
    private readonly TestAuthority _authority;
    private readonly int _etcdPort = FreePort();
    private readonly int _port = FreePort();
    private Process? _etcd;
    private Process? _server;

    private RealApiServer(string assets, TestAuthority authority)
    {
        _assets = assets;
        _authority = authority;
    }

    internal IPEndPoint EndPoint => new(IPAddress.Loopback, _port);

    /// <summary>Starts both, and waits until the API answers.</summary>
    /// <exception cref="InvalidOperationException">One of them does not start; what it said is in the message.</exception>
    internal static async Task<RealApiServer> StartAsync(string assets, TestAuthority authority)
    {
        var server = new RealApiServer(assets, authority);
        try
        {
            server.StartEtcd();
            server.StartServer();
            await server.WaitAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Has etcd forget what happened so far. The server reads network policies from etcd without a cache, so that watches of them get 410.</summary>
    internal async Task CompactAsync()
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_etcdPort}") };
        var range = await http.PostAsJsonAsync("/v3/kv/range", new { key = "AA==" });
        var revision = (string)(await range.Content.ReadFromJsonAsync<JsonObject>())!["header"]!["revision"]!;
        var answer = await http.PostAsJsonAsync("/v3/kv/compaction", new { revision, physical = true });
        if (!answer.IsSuccessStatusCode)
            throw new InvalidOperationException($"etcd did not compact: {await answer.Content.ReadAsStringAsync()}");
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { HasExited: true })
            TestContext.Current.SendDiagnosticMessage($"kube-apiserver ended by itself:\n{Tail("kube-apiserver")}");
        foreach (var process in (Process?[])[_server, _etcd])
        {
            if (process is null)
                continue;
            // Nothing of it is to last, so there is nothing to end in good order.
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
        _folder.Dispose();
    }

    private void StartEtcd() => _etcd = Start("etcd",
        "--data-dir", Path.Combine(_folder.Path, "etcd"),
        "--listen-client-urls", $"http://127.0.0.1:{_etcdPort}",
        "--advertise-client-urls", $"http://127.0.0.1:{_etcdPort}",
        "--listen-peer-urls", "http://127.0.0.1:0",
        "--unsafe-no-fsync");

    private void StartServer()
    {
        using var accounts = RSA.Create(2048);
        var key = _folder.Write("accounts.key", accounts.ExportRSAPrivateKeyPem());
        _server = Start("kube-apiserver",
            "--etcd-servers", $"http://127.0.0.1:{_etcdPort}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            $"--secure-port={_port}",
            "--cert-dir", _folder.Path,
            "--tls-cert-file", _folder.Write("server.crt", _authority.Server.ExportCertificatePem()),
            "--tls-private-key-file", _folder.Write("server.key", TestAuthority.KeyPem(_authority.Server)),
            "--client-ca-file", _folder.Write("clients.crt", _authority.RootPem),
            $"--service-account-issuer={Fake.Tokens.Issuer}",
            "--service-account-signing-key-file", key,
            "--service-account-key-file", key,
            "--authorization-mode=RBAC",
            "--allow-privileged=true",
            "--service-cluster-ip-range=10.96.0.0/16",
            // Nobody makes the accounts that it asks for.
            "--disable-admission-plugins=ServiceAccount",
            "--watch-cache-sizes=networkpolicies.networking.k8s.io#0");
    }

    private Process Start(string program, params string[] arguments)
    {
        var log = Path.Combine(_folder.Path, $"{program}.log");
        var start = new ProcessStartInfo("sh", ["-c", Launch, Path.Combine(_assets, program), .. arguments]) { RedirectStandardInput = true };
        start.Environment["LOG"] = log;
        return Process.Start(start)!;
    }

    private async Task WaitAsync()
    {
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null } })
        {
            BaseAddress = new Uri($"https://127.0.0.1:{_port}"),
            Timeout = TimeSpan.FromSeconds(5),
        };
        var watch = Stopwatch.StartNew();
        var last = "";
        while (watch.Elapsed < StartLimit)
        {
            foreach (var (process, name) in new[] { (_etcd!, "etcd"), (_server!, "kube-apiserver") })
            {
                if (process.HasExited)
                    throw new InvalidOperationException($"{name} ended at once:\n{Tail(name)}");
            }
            try
            {
                using var answer = await http.GetAsync("/readyz");
                last = await answer.Content.ReadAsStringAsync();
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                last = e.Message;
            }
            await Task.Delay(100);
        }
        throw new InvalidOperationException($"kube-apiserver was not ready after {StartLimit.TotalSeconds} s ({last}):\n{Tail("kube-apiserver")}");
    }

    private string Tail(string program)
    {
        var log = Path.Combine(_folder.Path, $"{program}.log");
        if (!File.Exists(log))
            return "(it said nothing)";
        // Where Go gives up, the reason comes first and all its goroutines after it.
        var lines = File.ReadAllLines(log);
        var end = Array.FindIndex(lines, line => line.StartsWith("panic: ", StringComparison.Ordinal) || line.StartsWith("fatal error: ", StringComparison.Ordinal));
        return string.Join('\n', end < 0 ? lines.TakeLast(20) : lines.Skip(end).Take(40));
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
