using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Native.Namespaces;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>What is no TCP passes the mesh untouched, and its nodes say who sent how much to whom.</summary>
public sealed class NonTcpTests(ShopMesh mesh) : ShopMeshTest(mesh)
{
    private const string Packets = "ambient_non_tcp_packets_total", Bytes = "ambient_non_tcp_bytes_total";
    private const int Sctp = 132;

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public async Task Datagrams_and_pings_pass_and_are_counted_by_pair_and_protocol(AddressFamily family)
    {
        var lab = await MeshAsync();
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod("jobs-23"));
        var isV4 = family == AddressFamily.InterNetwork;
        var address = isV4 ? server.V4 : server.V6;
        var before = await lab.MetricsAsync();
        Inside(client.Network, server.Network, family, address, AskByDatagram);
        Inside(client.Network, server.Network, family, address, Ping);

        foreach (var protocol in (string[])["udp", isV4 ? "icmp" : "icmpv6"])
        {
            // Each way is counted at both ends: by whose pod sent it, and by whose received it.
            foreach (var (source, destination) in ((string, string)[])[("web", "jobs"), ("jobs", "web")])
                foreach (var reporter in (string[])["source", "destination"])
                    await lab.UntilAsync($"3 packets of {protocol} from {source} to {destination} are counted by the {reporter}", TimeSpan.FromSeconds(30), async () =>
                    {
                        var now = await lab.MetricsAsync();
                        double Risen(string name) => Of(now, name) - Of(before, name);
                        double Of(MetricsPage page, string name) => page.Sum(name, ("reporter", reporter), ("source_workload", source), ("source_namespace", source == "web" ? "shop" : "guarded"),
                            ("destination_workload", destination), ("protocol", protocol));
                        return Risen(Packets) == 3 && Risen(Bytes) >= 3 * 28 ? null : $"{Risen(Packets)} packets, {Risen(Bytes)} bytes";
                    });
        }
        Assert.Equal(before.Sum("ambient_redirector_rules_mended_total"), (await lab.MetricsAsync()).Sum("ambient_redirector_rules_mended_total"));
    }

    [Fact]
    public async Task A_datagram_to_an_address_that_the_mesh_does_not_know_passes_and_is_counted_as_unknown()
    {
        var lab = await MeshAsync();
        var client = lab.Plan.Pod("web-11");
        var before = (await lab.MetricsAsync()).Sum(Packets, ("source_workload", "web"), ("destination_workload", "unknown"), ("protocol", "udp"));
        Inside(client.Network, Topology.Outside, AddressFamily.InterNetwork, IPAddress.Parse("192.0.2.9"), AskByDatagram);
        await lab.UntilAsync("it is counted", TimeSpan.FromSeconds(30), async () =>
            (await lab.MetricsAsync()).Sum(Packets, ("source_workload", "web"), ("destination_workload", "unknown"), ("protocol", "udp")) == before + 3 ? null : "not yet");
    }

    [Fact]
    public async Task An_SCTP_association_passes_and_is_counted()
    {
        var lab = await MeshAsync();
        try
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, (ProtocolType)Sctp);
        }
        catch (SocketException)
        {
            Assert.Skip("The kernel offers no SCTP.");
        }
        var (client, server) = (lab.Plan.Pod("web-11"), lab.Plan.Pod("jobs-23"));
        Inside(client.Network, server.Network, AddressFamily.InterNetwork, server.V4, (listener, caller, to) =>
        {
            using var server = listener(SocketType.Stream, (ProtocolType)Sctp);
            server.Bind(new IPEndPoint(to, 7_000));
            server.Listen();
            using var outgoing = caller(SocketType.Stream, (ProtocolType)Sctp);
            outgoing.Connect(to, 7_000);
            using var incoming = server.Accept();
            outgoing.Send("ping"u8);
            Assert.Equal(4, incoming.Receive(new byte[4]));
        });
        await lab.UntilAsync("it is counted", TimeSpan.FromSeconds(30), async () =>
            (await lab.MetricsAsync()).Sum(Packets, ("source_workload", "web"), ("destination_workload", "jobs"), ("protocol", "sctp")) >= 4 ? null : "not yet");
    }

    private delegate Socket Maker(SocketType type, ProtocolType protocol);

    private static void AskByDatagram(Maker listener, Maker caller, IPAddress to)
    {
        using var server = listener(SocketType.Dgram, ProtocolType.Udp);
        server.Bind(new IPEndPoint(to, 5_353));
        using var client = caller(SocketType.Dgram, ProtocolType.Udp);
        var buffer = new byte[64];
        EndPoint peer = new IPEndPoint(to, 0);
        for (var i = 0; i < 3; i++)
        {
            client.SendTo(buffer, new IPEndPoint(to, 5_353));
            server.ReceiveFrom(buffer, ref peer);
            server.SendTo(buffer, peer);
            Assert.Equal(buffer.Length, client.Receive(buffer));
        }
    }

    // The kernel answers; nobody has to listen.
    private static void Ping(Maker listener, Maker caller, IPAddress to)
    {
        var isV4 = to.AddressFamily == AddressFamily.InterNetwork;
        using var client = caller(SocketType.Raw, isV4 ? ProtocolType.Icmp : ProtocolType.IcmpV6);
        var answer = new byte[128];
        for (byte i = 1; i <= 3; i++)
        {
            byte[] request = [(byte)(isV4 ? 8 : 128), 0, 0, 0, 0, 1, 0, i];   // RFC 792, RFC 4443: type, code, checksum, id, sequence
            if (isV4) (request[2], request[3]) = (0xf7, (byte)(0xfe - i));   // for IPv6 the kernel fills it in
            client.SendTo(request, new IPEndPoint(to, 0));
            // A raw socket sees other messages of the family too.
            do client.Receive(answer);
            while (answer[isV4 ? 20 : 0] != (isV4 ? 0 : 129) || answer[isV4 ? 27 : 7] != i);
        }
    }

    private static void Inside(string client, string server, AddressFamily family, IPAddress to, Action<Maker, Maker, IPAddress> exchange) =>
        exchange((type, protocol) => Make(server, family, type, protocol), (type, protocol) => Make(client, family, type, protocol), to);

    private static Socket Make(string network, AddressFamily family, SocketType type, ProtocolType protocol)
    {
        Socket? made = null;
        var thread = new Thread(() =>
        {
            using var entry = new NamespaceEntry();
            if (!NetworkNamespace.TryOpen(Topology.PathOf(network), out var inside, out _)) return;
            using (inside) made = entry.Run(inside!, () => new Socket(family, type, protocol) { ReceiveTimeout = 10_000 });
        });
        thread.Start();
        thread.Join();
        return made ?? throw new InvalidOperationException($"no socket in {network}");
    }
}
