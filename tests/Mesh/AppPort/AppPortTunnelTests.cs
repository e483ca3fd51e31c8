using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.AppPort;

/// <summary>Tunnels that are dialled on the app's own port: who filters between the pods sees the port that the app is known by.</summary>
public sealed class AppPortTunnelTests(AppPortTunnelTests.Mesh mesh) : IClassFixture<AppPortTunnelTests.Mesh>, IDisposable
{
    private const int ExcludedPort = 9090;
    private static readonly byte[] Greeting = "220 ready\r\n"u8.ToArray();
    private readonly List<IDisposable> _things = [];

    public void Dispose()
    {
        _things.ForEach(thing => thing.Dispose());
        if (TestContext.Current.TestState?.Result == TestResult.Failed) TestContext.Current.TestOutputHelper?.WriteLine(mesh.Said);
    }

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task A_filter_that_lets_only_the_apps_port_pass_changes_nothing_for_users(AddressFamily family)
    {
        var lab = await mesh.StartedAsync();
        foreach (string node in (string[])["n1", "n2"])
        {
            await Tool.MustAsync(Command.Of("nft", "-f", "-").Inside(node), $$"""
                table inet only {
                  chain between { type filter hook forward priority 0; meta l4proto tcp tcp dport != {{Plans.AppPort}} tcp flags & (syn | ack) == syn drop; }
                }
                """);
        }

        try
        {
            // The filter works: the tunnel port of a captured pod cannot be reached.
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                PodSocket.ConnectAsync(Topology.Outside, lab.Plan.Pod("api-21").V4, 15008, TimeSpan.FromMilliseconds(500)));

            var before = await lab.MetricsAsync();
            using var capture = await PacketCapture.StartAsync("n2", Topology.WireTo(1));
            var marker = $"not-to-be-read-{Guid.NewGuid():N}";
            await EchoAsync(lab, "web-11", "api-21", family, marker);
            Assert.Equal(0, (await capture.StopAsync(marker))[0].PacketsFound);
            await UntilTunnelsAsync(lab, before, "web", "api", 1);
        }
        finally
        {
            foreach (string node in (string[])["n1", "n2"]) await Tool.MustAsync(Command.Of("nft", "delete", "table", "inet", "only").Inside(node));
        }
    }

    [Theory]
    [InlineData("web-11", null)]
    [InlineData("web-11", "h2")]
    [InlineData(Topology.Outside, null)]
    [InlineData(Topology.Outside, "h2")]
    public async Task An_app_that_speaks_TLS_itself_is_reached_by_its_clients_in_the_mesh_and_outside(string client, string? protocol)
    {
        var lab = await mesh.StartedAsync();
        var server = lab.Plan.Pod("api-21");
        var listener = Own(PodSocket.Listen(server.Network));
        using var outgoing = await PodSocket.ConnectAsync(NetworkOf(lab, client), server.V4, Plans.AppPort);
        using var there = new SslStream(new NetworkStream(outgoing), false, (_, _, _, _) => true);
        List<SslApplicationProtocol>? protocols = protocol is null ? null : [new SslApplicationProtocol(protocol)];
        var asking = there.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "api", ApplicationProtocols = protocols });
        using var incoming = await listener.AcceptSoonAsync();
        using var here = new SslStream(new NetworkStream(incoming));
        using var certificate = SelfSigned();
        await here.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate, ApplicationProtocols = protocols })
            .WaitAsync(PodSocket.Patience);
        await asking.WaitAsync(PodSocket.Patience);
        Assert.Equal(protocol ?? "", Encoding.ASCII.GetString(there.NegotiatedApplicationProtocol.Protocol.Span));
        await there.WriteAsync("ping"u8.ToArray());
        byte[] got = new byte[4];
        await here.ReadExactlyAsync(got).AsTask().WaitAsync(PodSocket.Patience);
        Assert.Equal("ping"u8.ToArray(), got);
    }

    [Theory]
    [InlineData("web-11")]          // by a tunnel
    [InlineData(Topology.Outside)]  // a peer that the view does not know
    [InlineData("late-12")]         // known as not enrolled
    public async Task An_app_that_speaks_first_is_heard(string client)
    {
        var lab = await mesh.StartedAsync();
        var server = lab.Plan.Pod("api-22");
        var listener = Own(PodSocket.Listen(server.Network));
        using var outgoing = await PodSocket.ConnectAsync(NetworkOf(lab, client), server.V6, Plans.AppPort);
        using var incoming = await listener.AcceptSoonAsync();
        await incoming.SendAllAsync(Greeting);
        Assert.Equal(Greeting, await outgoing.ReceiveExactlyAsync(Greeting.Length));
        await outgoing.SendAllAsync("QUIT"u8.ToArray());
        Assert.Equal("QUIT"u8.ToArray(), await incoming.ReceiveExactlyAsync(4));
        outgoing.Shutdown(SocketShutdown.Send);
        Assert.Empty(await incoming.ReceiveToEndAsync());
    }

    [Fact]
    public async Task An_excluded_port_is_spoken_to_in_plaintext()
    {
        var lab = await mesh.StartedAsync();
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod("api-22"));
        var before = (await lab.MetricsAsync()).Connections("source", "web", "api", "plain", "plaintext");
        var listener = Own(PodSocket.Listen(server.Network, ExcludedPort));
        using var outgoing = await PodSocket.ConnectAsync(client.Network, server.V4, ExcludedPort);
        using var incoming = await listener.AcceptSoonAsync();
        await outgoing.SendAllAsync("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await incoming.ReceiveExactlyAsync(4));
        Assert.Equal(before + 1, (await lab.MetricsAsync()).Connections("source", "web", "api", "plain", "plaintext"));
    }

    [Fact]
    public async Task Connections_from_before_enrolment_go_on_and_later_ones_are_tunnels()
    {
        var lab = await mesh.StartedAsync();
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod("later-23"));
        var listener = Own(PodSocket.Listen(server.Network));
        using var old = await PodSocket.ConnectAsync(client.Network, server.V4, Plans.AppPort);
        using var oldApp = await listener.AcceptSoonAsync();
        await lab.EnrolAsync("later");

        var before = await lab.MetricsAsync();
        foreach (var (from, to) in ((Socket, Socket)[])[(old, oldApp), (oldApp, old)])
        {
            await from.SendAllAsync("still here"u8.ToArray());
            Assert.Equal("still here"u8.ToArray(), await to.ReceiveExactlyAsync(10));
        }

        listener.Dispose();
        await EchoAsync(lab, "web-11", "later-23", AddressFamily.InterNetwork, "ping");
        await UntilTunnelsAsync(lab, before, "web", "later", 1);
    }

    [Fact]
    public async Task A_port_that_refuses_takes_no_other_down()
    {
        var lab = await mesh.StartedAsync();
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod("api-21"));
        var listener = Own(PodSocket.Listen(server.Network));
        using var good = await PodSocket.ConnectAsync(client.Network, server.V4, Plans.AppPort);
        using var app = await listener.AcceptSoonAsync();
        // The reset may be there before the connect is told to have succeeded.
        var fault = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            using var bad = await PodSocket.ConnectAsync(client.Network, server.V4, 7777);
            await bad.ReceiveToEndAsync();
        });
        Assert.Equal(SocketError.ConnectionReset, fault.SocketErrorCode);

        await good.SendAllAsync("ping"u8.ToArray());
        Assert.Equal("ping"u8.ToArray(), await app.ReceiveExactlyAsync(4));
        using var another = await PodSocket.ConnectAsync(client.Network, server.V4, Plans.AppPort);
        using var second = await listener.AcceptSoonAsync();
    }

    private async Task EchoAsync(Lab lab, string client, string server, AddressFamily family, string text)
    {
        var (from, to) = (lab.Plan.Pod(client), lab.Plan.Pod(server));
        var listener = Own(PodSocket.Listen(to.Network));
        using var outgoing = await PodSocket.ConnectAsync(from.Network, family == AddressFamily.InterNetwork ? to.V4 : to.V6, Plans.AppPort);
        await outgoing.SendAllAsync(Encoding.ASCII.GetBytes(text));
        using var incoming = await listener.AcceptSoonAsync();
        Assert.Equal(from.V4, family == AddressFamily.InterNetwork ? ((IPEndPoint)incoming.RemoteEndPoint!).Address.MapToIPv4() : from.V4);
        Assert.Equal(text, Encoding.ASCII.GetString(await incoming.ReceiveExactlyAsync(text.Length)));
        await incoming.SendAllAsync(Encoding.ASCII.GetBytes(text));
        Assert.Equal(text, Encoding.ASCII.GetString(await outgoing.ReceiveExactlyAsync(text.Length)));
        listener.Dispose();
    }

    private static async Task UntilTunnelsAsync(Lab lab, MetricsPage before, string source, string destination, int more)
    {
        foreach (string reporter in (string[])["source", "destination"])
        {
            double wanted = before.Connections(reporter, source, destination, "tunnel", "mutual_tls") + more;
            await lab.UntilAsync($"the {reporter} has counted a tunnel", TimeSpan.FromSeconds(10), async () =>
                (await lab.MetricsAsync()).Connections(reporter, source, destination, "tunnel", "mutual_tls") is var now && now >= wanted ? null : $"{now} of {wanted}");
        }
    }

    private static string NetworkOf(Lab lab, string name) => name == Topology.Outside ? name : lab.Plan.Pod(name).Network;

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var made = new CertificateRequest("CN=api", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddHours(-1), now.AddHours(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }

    private T Own<T>(T thing)
        where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    public sealed class Mesh : OwnLab
    {
        private protected override LabPlan Plan { get; } = new()
        {
            Nodes = 2,
            Pods =
            [
                new PodPlan("shop", "web", 1, 1), new PodPlan("outer", "late", 1, 2), new PodPlan("shop", "api", 2, 1),
                new PodPlan("shop", "api", 2, 2) { Annotations = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add("ambient.mesh/exclude-inbound-ports", $"{ExcludedPort}") },
                new PodPlan("later", "later", 2, 3),
            ],
            HasOutside = true,
            TunnelPort = "original",
            DrainSeconds = 5,
        };
    }
}
