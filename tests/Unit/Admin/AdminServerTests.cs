using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Ambient.Cli.Lab;
using Ambient.NodeProxy.Admin;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Identity;
using Ambient.Tests.Unit.Discovery;
using Ambient.Tests.Unit.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Unit.Admin;

[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class AdminServerTests : IAsyncDisposable, IReadinessSource, IConnectionLister
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ambient-test-").FullName;
    private readonly MeshViewHolder _views = new();
    private readonly IdentityStore _identities = new();
    private static readonly DateTimeOffset _end = new(2050, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly byte[] _key = MakeKey();
    private readonly byte[] _leaf = MakeLeaf();
    private readonly List<AdminServer> _servers = [];
    private bool _isReady;

    private string SocketPath => Path.Combine(_folder, "admin.sock");

    public async ValueTask DisposeAsync()
    {
        foreach (AdminServer server in _servers)
            await server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    public IReadOnlyList<Readiness> Check() => [new("view", _isReady, _isReady ? "" : "no view yet"), new("redirector", true, "")];

    public Task<IReadOnlyList<ConnectionListing>> ListAsync(int limit, CancellationToken cancellation) => Task.FromResult<IReadOnlyList<ConnectionListing>>(
        [.. Enumerable.Range(0, 3).Select(i => new ConnectionListing(
            "source", "shop/web", $"10.0.0.1:{40_000 + i}", "10.96.0.1:80", "shop/web", "shop/api", "shop/api", "tunnel", "mutual_tls", 1.5, 10, 20))]);

    [Fact]
    public async Task Metrics_are_one_readable_answer_of_process_and_data_path()
    {
        AdminServer server = await StartAsync();
        using HttpClient tcp = Tcp(server);
        HttpResponseMessage answer = await tcp.GetAsync("/metrics");
        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        string text = await answer.Content.ReadAsStringAsync();
        Assert.Contains("process_cpu_seconds_total", text);
        Assert.Contains("ambient_node_view_version 1", text);
        ExpositionCheck.Read(text[text.IndexOf("# HELP ambient_", StringComparison.Ordinal)..]);
    }

    [Fact]
    public async Task Readiness_follows_what_the_node_needs_and_says_what_is_missing()
    {
        AdminServer server = await StartAsync();
        using HttpClient tcp = Tcp(server);
        HttpResponseMessage answer = await tcp.GetAsync("/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("no view yet", await answer.Content.ReadAsStringAsync());
        _isReady = true;
        Assert.Equal(HttpStatusCode.OK, (await tcp.GetAsync("/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await tcp.GetAsync("/live")).StatusCode);
    }

    [Fact]
    public async Task What_tells_of_the_mesh_is_told_on_the_unix_socket_only()
    {
        AdminServer server = await StartAsync();
        using HttpClient tcp = Tcp(server);
        using HttpClient unix = Unix();
        foreach (string page in (string[])["/status", "/config", "/connections", "/identities"])
        {
            Assert.Equal(HttpStatusCode.NotFound, (await tcp.GetAsync(page)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await unix.GetAsync(page)).StatusCode);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await unix.GetAsync("/nothing")).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await unix.PostAsync("/status", null)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await unix.GetAsync("/metrics")).StatusCode);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath) & (UnixFileMode)0x1FF);
    }

    [Fact]
    public async Task Status_config_and_connections_say_how_the_node_stands()
    {
        await StartAsync();
        using HttpClient unix = Unix();
        using JsonDocument status = JsonDocument.Parse(await unix.GetStringAsync("/status"));
        Assert.Equal("a", status.RootElement.GetProperty("node").GetString());
        Assert.Equal("gone away", status.RootElement.GetProperty("controller").GetProperty("last_failure").GetString());
        Assert.Equal(1UL, status.RootElement.GetProperty("view").GetProperty("version").GetUInt64());
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/api", status.RootElement.GetProperty("certificates")[0].GetProperty("identity").GetString());

        using JsonDocument config = JsonDocument.Parse(await unix.GetStringAsync("/config"));
        Assert.Equal("/etc/token", config.RootElement.GetProperty("settings").GetProperty("token-file").GetString());
        Assert.Equal(["1"], config.RootElement.GetProperty("workloads").EnumerateArray().Select(w => w.GetProperty("uid").GetString()));
        Assert.Equal(1, config.RootElement.GetProperty("services")[0].GetProperty("ports")[0].GetProperty("ready_endpoints").GetInt32());
        using JsonDocument all = JsonDocument.Parse(await unix.GetStringAsync("/config?all=true"));
        Assert.Equal(2, all.RootElement.GetProperty("workloads").GetArrayLength());

        using JsonDocument connections = JsonDocument.Parse(await unix.GetStringAsync("/connections?limit=2"));
        Assert.Equal(2, connections.RootElement.GetProperty("connections").GetArrayLength());
        Assert.Equal("mutual_tls", connections.RootElement.GetProperty("connections")[0].GetProperty("protection").GetString());
    }

    [Fact]
    public async Task No_page_gives_a_key_away()
    {
        await StartAsync();
        using HttpClient unix = Unix();
        var secrets = new List<string> { Convert.ToBase64String(_key), Convert.ToHexString(_key), Convert.ToBase64String(_key.AsSpan(30, 30)), "PRIVATE KEY" };
        foreach (string page in (string[])["/status", "/config?all=true", "/connections", "/identities", "/metrics", "/ready", "/live"])
        {
            string text = await (await unix.GetAsync(page)).Content.ReadAsStringAsync();
            Assert.NotEmpty(text);
            Assert.All(secrets, secret => Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact]
    public async Task A_port_that_is_taken_is_no_reason_to_be_without_the_socket_and_none_to_throw()
    {
        AdminServer first = await StartAsync();
        var second = Make(new AdminOptions { Address = first.Address, SocketPath = SocketPath });
        await second.StartAsync(CancellationToken.None);
        Assert.Null(second.Address);
        using HttpClient unix = Unix();   // the left-over socket was replaced
        Assert.Equal(HttpStatusCode.OK, (await unix.GetAsync("/live")).StatusCode);

        var third = Make(new AdminOptions { Address = null, SocketPath = Path.Combine(_folder, "no-such-folder", "admin.sock") });
        await third.StartAsync(CancellationToken.None);
        Assert.Null(third.Address);
    }

    [Fact]
    public async Task Identities_are_told_with_the_pods_that_they_speak_for_and_those_that_lack_one()
    {
        await StartAsync();
        _views.Publish(MeshWorld.View(MeshWorld.Pod("1", "10.0.0.1"), MeshWorld.Pod("2", "10.0.0.2", serviceAccount: "new"), MeshWorld.Pod("3", "10.0.0.3", node: "b", serviceAccount: "far")));
        _identities.NoteRenewal(SpiffeId.Of("cluster.local", "shop", "api"), _end.AddYears(-10));
        using HttpClient unix = Unix();
        using JsonDocument answer = JsonDocument.Parse(await unix.GetStringAsync("/identities"));

        JsonElement api = Assert.Single(answer.RootElement.GetProperty("identities").EnumerateArray());
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/api", api.GetProperty("identity").GetString());
        Assert.Equal(["shop/pod-1"], api.GetProperty("pods").EnumerateArray().Select(pod => pod.GetString()));
        Assert.Equal("CN=leaf", api.GetProperty("issuer").GetString());
        Assert.Matches("^[0-9A-F]+$", api.GetProperty("serial").GetString());
        Assert.Equal(_end.AddYears(-10), api.GetProperty("renews_at").GetDateTimeOffset());
        JsonElement missing = Assert.Single(answer.RootElement.GetProperty("missing").EnumerateArray());
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/new", missing.GetProperty("identity").GetString());
        Assert.Equal("CN=leaf", Assert.Single(answer.RootElement.GetProperty("roots").EnumerateArray()).GetProperty("subject").GetString());
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("[::1]")]
    public async Task On_any_IPv6_address_the_pages_are_served_to_both_families(string host)
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "this machine's kernel has no IPv6");
        AdminServer server = Make(new AdminOptions { Address = new IPEndPoint(IPAddress.IPv6Any, 0), SocketPath = SocketPath });
        await server.StartAsync(CancellationToken.None);
        using var http = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"http://{host}:{server.Address!.Port}/live")).StatusCode);
    }

    private static byte[] MakeLeaf()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 leaf = new CertificateRequest("CN=leaf", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, _end);
        return leaf.RawData;
    }

    private static byte[] MakeKey()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKey();
    }

    private static HttpClient Tcp(AdminServer server) => new() { BaseAddress = new Uri($"http://{server.Address}") };

    private HttpClient Unix() => new(UnixSocket.HandlerOf(SocketPath)) { BaseAddress = new Uri("http://node") };

    private async Task<AdminServer> StartAsync()
    {
        _views.Publish(MeshWorld.View(
            MeshWorld.Pod("1", "10.0.0.1"), MeshWorld.Pod("2", "10.0.0.2", node: "b"), MeshWorld.ServiceOf("api", "10.96.0.1"), MeshWorld.EndpointOf("api", "10.0.0.1")));
        _identities.Put(new Svid(
            SpiffeId.Of("cluster.local", "shop", "api"), 0, [_leaf], _key, DateTimeOffset.UnixEpoch, _end, [_leaf]));
        AdminServer server = Make(new AdminOptions { Address = new IPEndPoint(IPAddress.Loopback, 0), SocketPath = SocketPath });
        await server.StartAsync(CancellationToken.None);
        Assert.NotNull(server.Address);
        return server;
    }

    private AdminServer Make(AdminOptions options)
    {
        NodeGauges Gauges() => new(5, 1, false, _views.Current.Version, TimeSpan.FromSeconds(3), [.. _identities.All.Select(s => KeyValuePair.Create(s.Id.ToString(), s.NotAfter))]);
        var server = new AdminServer(
            options,
            new AdminSources
            {
                Node = "a",
                Software = "ambient-node/test",
                Settings = new Dictionary<string, string> { ["token-file"] = "/etc/token" },
                Metrics = new NodeMetrics(new DataPathMetrics(1), Gauges),
                Gauges = Gauges,
                ControllerFailure = () => "gone away",
                Views = _views,
                Identities = _identities,
                Readiness = this,
                Connections = this,
            },
            NullLogger.Instance);
        _servers.Add(server);
        return server;
    }
}
