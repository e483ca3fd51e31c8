using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Hostile;

/// <summary>Software from elsewhere that knocks at the tunnel's port of an enrolled pod: told, counted, named in the log; a good connection beside it goes on.</summary>
public sealed class HostilePeerTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private const string TunnelPort = "15008";

    private readonly string _folder = Directory.CreateTempSubdirectory("hostile-").FullName;

    [Fact]
    public async Task Nobody_without_a_certificate_of_the_mesh_gets_through_the_tunnels_port()
    {
        var lab = await MeshAsync("openssl");
        var server = await Load.ServeAsync(lab, lab.Plan.Pod("jobs-23"));
        var pod = lab.Plan.Pod("jobs-23");
        try
        {
            await using var load = await Load.StartAsync(lab, "p11", lab.Plan.Service("jobs").V4, 80);
            string target = $"{pod.V4}:{TunnelPort}";
            var before = await lab.MetricsAsync();
            string uri = "subjectAltName=URI:spiffe://cluster.local/ns/shop/sa/web";
            string key = Path.Combine(_folder, "key.pem"), certificate = Path.Combine(_folder, "cert.pem");
            await Tool.MustAsync(Command.Of(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=x", "-addext", uri,
                "-keyout", key, "-out", certificate));

            // The answer to a client of TLS 1.3 comes as an alert behind its own last word.
            var none = await KnockAsync("-alpn", "h2");
            Assert.Contains("certificate required", none, StringComparison.OrdinalIgnoreCase);
            var stranger = await KnockAsync("-alpn", "h2", "-cert", certificate, "-key", key);
            Assert.True(stranger.Contains("unknown ca", StringComparison.OrdinalIgnoreCase) || stranger.Contains("bad certificate", StringComparison.OrdinalIgnoreCase), stranger);
            Assert.Contains("protocol version", await KnockAsync("-tls1_2", "-alpn", "h2"), StringComparison.OrdinalIgnoreCase);
            Assert.Contains("no application protocol", await KnockAsync("-alpn", "http/1.1"), StringComparison.OrdinalIgnoreCase);

            await lab.UntilAsync("all are counted", TimeSpan.FromSeconds(10), async () =>
            {
                var page = await lab.MetricsAsync();
                double untrusted = page.Refusals("peer_untrusted") - before.Refusals("peer_untrusted");
                double failed = page.Refusals("handshake_failed") - before.Refusals("handshake_failed");
                return untrusted == 2 && failed == 2 ? null : $"{untrusted} untrusted and {failed} failed handshakes";
            });
            Assert.Contains(lab.Log.Of(lab.Nodes[1].NodeProxy.Name), line => line.Contains("PeerUntrusted", StringComparison.Ordinal) && line.Contains("no certificate", StringComparison.Ordinal));
            await load.SettleAsync();
            Assert.Equal(0, (await load.StopAsync()).Failed);

            async Task<string> KnockAsync(params string[] arguments)
            {
                var result = await Tool.RunAsync(
                    Command.Of("openssl", ["s_client", "-connect", target, "-ign_eof", .. arguments]).Inside("n1"), input: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", atMost: TimeSpan.FromSeconds(20));
                return result.Output + result.Error;
            }
        }
        finally
        {
            await server.KillAsync();
        }
    }

    [Fact]
    public async Task Plain_HTTP_of_either_version_is_refused_at_the_tunnels_port()
    {
        var lab = await MeshAsync("curl");
        string target = lab.Plan.Pod("jobs-23").V4.ToString();
        double before = (await lab.MetricsAsync()).Refusals("handshake_failed");
        foreach (string version in (string[])["--http1.1", "--http2-prior-knowledge"])
        {
            var result = await Tool.RunAsync(Command.Of("curl", "-sS", "--max-time", "15", version, $"http://{target}:{TunnelPort}/").Inside("n1"));
            Assert.NotEqual(0, result.ExitCode);
            Assert.NotEqual(28, result.ExitCode); // not left to wait
        }

        await lab.UntilAsync("both are counted", TimeSpan.FromSeconds(10), async () =>
        {
            double failed = (await lab.MetricsAsync()).Refusals("handshake_failed") - before;
            return failed == 2 ? null : $"{failed} failed handshakes";
        });
        Assert.Contains(lab.Log.Of(lab.Nodes[1].NodeProxy.Name), line => line.Contains("the peer speaks HTTP without TLS", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Half_open_handshakes_of_one_address_leave_the_pods_peers_their_tunnels()
    {
        var lab = await MeshAsync();
        var pod = lab.Plan.Pod("jobs-23");
        var server = await Load.ServeAsync(lab, pod);
        try
        {
            double before = (await lab.MetricsAsync()).Refusals("overloaded");
            var target = pod.V4;
            for (int i = 0; i < 300; i++)
            {
                try
                {
                    Own(await PodSocket.ConnectAsync("n1", target, 15008));
                }
                catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionReset)
                {
                    // Refused before we looked.
                }
            }

            await lab.UntilAsync("the address is at its share", TimeSpan.FromSeconds(10), async () =>
            {
                double refused = (await lab.MetricsAsync()).Refusals("overloaded") - before;
                return refused >= 100 ? null : $"{refused} are refused";
            });
            await using var load = await Load.StartAsync(lab, "p11", lab.Plan.Service("jobs").V4, 80);
            await load.SettleAsync();
            Assert.Equal(0, (await load.StopAsync()).Failed);
        }
        finally
        {
            await server.KillAsync();
        }
    }

    private protected override ValueTask EndAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
