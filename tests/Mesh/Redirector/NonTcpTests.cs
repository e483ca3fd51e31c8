using System.Net;
using System.Net.Sockets;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>What the rules count beside TCP, and that counting is no change of the rules.</summary>
public sealed class NonTcpTests
{
    [Fact]
    public void Datagrams_are_counted_by_pair_both_ways_and_neither_they_nor_elements_added_by_hand_count_as_broken_rules()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var (pod, other) = (net.Add(), net.Add());
        run.Start();
        using var node = run.Capture(pod);

        Exchange(pod, other, other.Address, datagrams: 3);
        Exchange(pod, other, other.AddressV6, datagrams: 2);
        pod.Nft("add", "element", "inet", "ambient", "other_rest", "{ gre }");

        var seen = new Dictionary<string, ulong>();
        while (seen.Count < 4)
            foreach (var flow in node.Await(m => m.BodyCase == ToNode.BodyOneofCase.NonTcp && m.NonTcp.Uid == pod.Uid, "counts").Message.NonTcp.Flows.Where(f => f.Protocol == 17))
            {
                string pair = $"{new IPAddress(flow.Source.Span)} {new IPAddress(flow.Destination.Span)}";
                seen[pair] = seen.GetValueOrDefault(pair) + flow.Packets;
            }
        Assert.Equal(3u, seen[$"{pod.Address} {other.Address}"]);
        Assert.Equal(3u, seen[$"{other.Address} {pod.Address}"]);
        Assert.Equal(2u, seen[$"{pod.AddressV6} {other.AddressV6}"]);
        Assert.Equal(2u, seen[$"{other.AddressV6} {pod.AddressV6}"]);
        Assert.Equal(0, node.Counters.GetValueOrDefault("rules_mended_total"));
        Assert.Contains("gre", pod.Nft("list", "set", "inet", "ambient", "other_rest"), StringComparison.Ordinal);
    }

    private static void Exchange(Pod from, Pod to, IPAddress address, int datagrams)
    {
        using var server = to.Inside(() => Bound(address));
        using var client = from.Inside(() => Bound(address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any));
        byte[] buffer = new byte[100];
        EndPoint peer = new IPEndPoint(address, 0);
        for (int i = 0; i < datagrams; i++)
        {
            client.SendTo(buffer, new IPEndPoint(address, ((IPEndPoint)server.LocalEndPoint!).Port));
            int bytes = server.ReceiveFrom(buffer, ref peer);
            server.SendTo(buffer, bytes, SocketFlags.None, peer);
            client.Receive(buffer);
        }
    }

    private static Socket Bound(IPAddress address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5_000 };
        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    }
}
