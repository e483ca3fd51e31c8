using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Mesh.Redirector;

public sealed class EnrolTests
{
    private const string Loose = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose", MarkAccept = "/proc/sys/net/ipv4/tcp_fwmark_accept";

    [Fact]
    public void An_ordered_pod_is_captured_once_NodeProxy_is_ready_and_both_directions_arrive_at_the_listeners()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var other = net.Add();
        run.Start();
        using var node = run.Connect();
        node.Greet();

        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted);
        node.AwaitListeners(pod);
        node.Ready(pod, ready: false, "no certificate yet");
        Assert.Equal("no certificate yet", node.AwaitStatus(pod, s => s.Reason.Length > 0).Reason);
        Assert.False(pod.HasTable, "rules although NodeProxy was not ready");
        node.Ready(pod);
        node.AwaitPhase(pod, PodPhase.Captured);

        Assert.True(pod.HasTable);
        Assert.Equal("0", pod.Inside(() => File.ReadAllText(Loose)).Trim());
        Assert.Equal("1", pod.Inside(() => File.ReadAllText(MarkAccept)).Trim());
        foreach (bool isIpv6 in (bool[])[false, true])
        {
            using var inbound = Pod.Dial(isIpv6 ? pod.AddressV6 : pod.Address, 8080)!;
            using var atInbound = Wire.Accept(node.Listeners[pod.Uid][1])!;
            Assert.True(Wire.Exchange(inbound, atInbound));

            using var outbound = pod.Connect(isIpv6 ? other.AddressV6 : other.Address, 9090)!;
            using var atOutbound = Wire.Accept(node.Listeners[pod.Uid][0])!;
            Assert.True(Wire.Exchange(outbound, atOutbound));
            Assert.True(Ambient.Native.Sockets.SocketCalls.TryGetOriginalDestination((int)atOutbound.Handle, out var original));
            Assert.Equal(isIpv6 ? other.AddressV6 : other.Address, original.Address);
            Assert.Equal(9090, original.Port);

            using var tunnel = Pod.Dial(isIpv6 ? pod.AddressV6 : pod.Address, 15008)!;
            using var atTunnel = Wire.Accept(node.Listeners[pod.Uid][2])!;
            Assert.True(Wire.Exchange(tunnel, atTunnel));
        }
    }

    [Fact]
    public void Connections_from_before_live_through_capture_and_withdrawal_and_redirected_ones_through_the_quiet_time()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var before = pod.Inside(() => File.Exists(Loose) ? File.ReadAllText(Loose).Trim() : null);
        using var app = pod.Listen(8080);
        using var early = Pod.Dial(pod.Address, 8080)!;
        using var earlyAtApp = app.Accept();
        Assert.True(Wire.Exchange(early, earlyAtApp));
        run.Start();
        using var node = run.Connect();
        node.Greet();

        Assert.Equal(1u, node.Capture(pod, run.Order(pod.Ordered)).ConnectionsFromBefore);
        Assert.True(Wire.Exchange(early, earlyAtApp), "cut by capture");
        using var redirected = Pod.Dial(pod.Address, 8080)!;
        using var atProxy = Wire.Accept(node.Listeners[pod.Uid][1])!;
        Assert.True(Wire.Exchange(redirected, atProxy));

        Assert.True(node.Pass(run.Order()).Accepted);
        node.AwaitPhase(pod, PodPhase.Quiet);
        Assert.True(Wire.Exchange(redirected, atProxy), "cut by the quiet rules");
        Assert.True(Wire.Exchange(early, earlyAtApp));
        using var late = Pod.Dial(pod.Address, 8080)!;
        using var lateAtApp = app.Accept();
        Assert.True(Wire.Exchange(late, lateAtApp), "new connections go direct");

        node.Drained(pod);
        node.AwaitPhase(pod, PodPhase.Released);
        Assert.True(Wire.Exchange(early, earlyAtApp), "cut by the release");
        Assert.True(Wire.Exchange(late, lateAtApp), "cut by the release");
        Assert.False(pod.HasTable);
        Assert.DoesNotContain("0x111", Command.Run("ip", "-n", pod.Name, "rule"), StringComparison.Ordinal);
        Assert.DoesNotContain("0x111", Command.Run("ip", "-n", pod.Name, "-6", "rule"), StringComparison.Ordinal);
        Assert.Equal("", Command.TryRun("ip", "-n", pod.Name, "route", "show", "table", "100").Output.Replace("Error: ipv4: FIB table does not exist.\nDump terminated\n", "", StringComparison.Ordinal));
        Assert.Equal("0", pod.Inside(() => File.ReadAllText(MarkAccept)).Trim());
        if (before is not null)
            Assert.Equal(before, pod.Inside(() => File.ReadAllText(Loose)).Trim());
    }

    [Fact]
    public void A_quiet_pod_that_nobody_drains_is_released_at_the_deadline()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var node = run.Capture(pod);

        var withdrawal = run.Unsigned();
        withdrawal.DrainSeconds = 1;
        node.Pass(run.Sign(withdrawal));
        node.AwaitPhase(pod, PodPhase.Released); // by way of Quiet, which on a busy machine is over before it is seen
        Assert.False(pod.HasTable);
    }

    [Fact]
    public void A_pod_enrolled_again_while_it_is_quiet_is_captured_again_with_the_same_listeners()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var node = run.Capture(pod);
        node.Pass(run.Order());
        node.AwaitPhase(pod, PodPhase.Quiet);

        node.Pass(run.Order(pod.Ordered));
        node.AwaitPhase(pod, PodPhase.Preparing);
        Assert.DoesNotContain("redirect", pod.Nft("list", "ruleset"), StringComparison.Ordinal);
        node.Ready(pod);
        node.AwaitPhase(pod, PodPhase.Captured);

        using var dialled = Pod.Dial(pod.Address, 8080)!;
        using var accepted = Wire.Accept(node.Listeners[pod.Uid][1]);
        Assert.NotNull(accepted);
    }

    [Fact]
    public void Excluded_ports_and_ranges_are_not_captured_and_a_change_of_them_takes_effect_without_a_new_report()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var other = net.Add();
        using var app = pod.Listen(8080);
        using var otherApp = other.Listen(9090);
        run.Start();
        using var node = run.Capture(pod);

        var excluding = pod.Ordered;
        excluding.ExcludeInboundPorts.Add([8080, 8080, 81]);
        excluding.ExcludeOutboundRanges.Add(new ExcludedRange { Address = ByteString.CopyFrom(other.Address.GetAddressBytes()), PrefixLength = 31 });
        excluding.ExcludeOutboundRanges.Add(new ExcludedRange { Address = ByteString.CopyFrom(other.Address.GetAddressBytes()), PrefixLength = 32 });
        excluding.ExcludeOutboundRanges.Add(new ExcludedRange { Address = ByteString.CopyFrom(new byte[16]), PrefixLength = 0 });
        node.Pass(run.Order(excluding));
        Wire.Until(() => pod.Nft("list", "ruleset").Contains("8080", StringComparison.Ordinal), "the new rules");

        using (var inbound = Pod.Dial(pod.Address, 8080)!)
        using (var atApp = app.Accept())
            Assert.True(Wire.Exchange(inbound, atApp));
        using (var outbound = pod.Connect(other.Address, 9090)!)
        using (var atOther = otherApp.Accept())
            Assert.True(Wire.Exchange(outbound, atOther));
        using (var outbound = pod.Connect(other.AddressV6, 9090)!)
        using (var atOther = otherApp.Accept())
            Assert.True(Wire.Exchange(outbound, atOther));
    }

    [Fact]
    public void A_pod_without_IPv6_is_captured_for_IPv4()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add(withIpv6: false);
        run.Start();
        using var node = run.Connect();
        node.Greet();

        node.Capture(pod, run.Order(pod.Ordered));

        run.AwaitLog("no IPv6");
        using var dialled = Pod.Dial(pod.Address, 8080)!;
        using var accepted = Wire.Accept(node.Listeners[pod.Uid][1]);
        Assert.NotNull(accepted);
    }

    [Fact]
    public void Sockets_on_request_are_made_in_the_pods_namespace_and_can_bind_to_a_clients_address_without_privilege()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        using var app = pod.Listen(8080);
        run.Start();
        using var node = run.Capture(pod);

        var (given, refused, sockets) = node.RequestSockets(pod.Uid, 64);

        Assert.Null(refused);
        Assert.False(given!.Ipv4Only);
        Assert.Equal(64, sockets.Count);
        var client = new System.Net.IPEndPoint(System.Net.IPAddress.Parse("10.77.0.5"), 4444);
        Assert.Equal(Ambient.Native.Descriptors.Errno.None, Ambient.Native.Sockets.SocketCalls.Bind(sockets[0].Number, client));
        _ = Ambient.Native.Sockets.SocketCalls.Connect(sockets[0].Number, new System.Net.IPEndPoint(pod.Address, 8080));
        using var atApp = app.Accept();
        var seen = (System.Net.IPEndPoint)atApp.RemoteEndPoint!;
        Assert.Equal(client.Address, seen.Address.MapToIPv4());
        Assert.Equal(client.Port, seen.Port);
        sockets.ForEach(s => s.Dispose());

        var clock = System.Diagnostics.Stopwatch.StartNew();
        for (int i = 0; i < 100; i++)
            node.RequestSockets(pod.Uid, 64).Descriptors.ForEach(s => s.Dispose());
        TestContext.Current.TestOutputHelper?.WriteLine($"{6400 / clock.Elapsed.TotalSeconds:0} sockets a second, one request at a time");
    }
}
