using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.Cli.Lab;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Mesh.Traffic;

/// <summary>
/// A pod with addresses that its object does not name: those of a second network, as Multus gives one, and one on its loopback device, as
/// a load balancer wants it that leaves answers to the pod. In a lab of its own.
/// </summary>
public sealed class SecondNetworkTests
{
    private static readonly IPAddress Caller = IPAddress.Parse("198.51.100.1"), CallerV6 = IPAddress.Parse("fd77::1");
    private static readonly IPAddress Second = IPAddress.Parse("198.51.100.2"), SecondV6 = IPAddress.Parse("fd77::2");
    private static readonly IPAddress OnLoopback = IPAddress.Parse("203.0.113.7"), Nobodys = IPAddress.Parse("203.0.113.99");

    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_pod_is_reached_by_every_address_of_its_network_namespace_and_by_no_other()
    {
        Machine.Offers("ip", "nft", "nsenter", "setpriv");
        Assert.SkipUnless(Topology.KernelHasIpv6, "This kernel has no IPv6.");
        await using var lab = await Lab.StartAsync(Plans.Standard);
        var pod = lab.Plan.Pod("api-21");
        await lab.EnrolAsync("shop");
        using var app = PodSocket.Listen(pod.Network);
        var serving = ServeAsync(app);

        // The network comes after capture, as it does where Multus calls its plugins one after the other.
        await Tool.MustAsync(Command.Of("ip", "link", "add", "net1", "netns", Topology.Outside, "type", "veth", "peer", "name", "net1", "netns", pod.Network));
        foreach (var (network, address) in (ValueTuple<string, IPAddress>[])[(Topology.Outside, Caller), (pod.Network, Second)])
            await InAsync(network, $"addr add {address}/24 dev net1");
        foreach (var (network, address) in (ValueTuple<string, IPAddress>[])[(Topology.Outside, CallerV6), (pod.Network, SecondV6)])
            await InAsync(network, $"addr add {address}/64 dev net1 nodad");
        foreach (string network in (string[])[Topology.Outside, pod.Network]) await InAsync(network, "link set net1 up");
        await InAsync(pod.Network, $"addr add {OnLoopback}/32 dev lo");
        await InAsync(Topology.Outside, $"route add {OnLoopback}/32 via {Second}");
        await InAsync(Topology.Outside, $"route add {Nobodys}/32 via {Second}");

        foreach (var (target, seen) in (ValueTuple<IPAddress, IPAddress>[])[(Second, Caller), (SecondV6, CallerV6), (OnLoopback, Caller)])
            await ArrivesAsync(target, seen);
        // Sent to the pod's interface and meant for somebody else: the proxy is nobody's way to there.
        Assert.Equal(nameof(SocketError.ConnectionReset), await AskAsync(Nobodys));

        // Whoever comes after those who were told has to be told as well.
        await lab.Nodes[1].Redirector.KillAsync();
        lab.Nodes[1].Redirector.Start();
        await lab.Nodes[1].WaitUntilReadyAsync(PodSocket.Patience);
        await ArrivesAsync(Second, Caller);
        await lab.Nodes[1].NodeProxy.KillAsync();
        lab.Nodes[1].NodeProxy.Start();
        await lab.Nodes[1].WaitUntilReadyAsync(PodSocket.Patience);
        await ArrivesAsync(SecondV6, CallerV6);

        await InAsync(pod.Network, $"addr del {OnLoopback}/32 dev lo");
        var clock = Stopwatch.StartNew();
        while (await AskAsync(OnLoopback) == Caller.ToString())
            Assert.True(clock.Elapsed < 10 * Bound, $"an address that was taken away is still the pod's after {clock.Elapsed.TotalSeconds:F1} s (bound {Bound.TotalSeconds} s)");

        app.Dispose();
        await serving;
    }

    private static Task InAsync(string network, string what) => Tool.MustAsync(Command.Of("ip", ["-n", network, .. what.Split(' ')]));

    // The test outruns the kernel's word of a new address at the two processes that have to hear it.
    private static async Task ArrivesAsync(IPAddress target, IPAddress seen)
    {
        var clock = Stopwatch.StartNew();
        string answer;
        while ((answer = await AskAsync(target)) != seen.ToString())
            Assert.True(clock.Elapsed < 10 * Bound, $"{target} answers '{answer}' after {clock.Elapsed.TotalSeconds:F1} s (bound {Bound.TotalSeconds} s)");
        TestContext.Current.TestOutputHelper?.WriteLine($"{target} answers after {clock.Elapsed.TotalMilliseconds:F0} ms (bound {Bound.TotalMilliseconds} ms)");
    }

    // Whom the app sees, or how the connection was refused: the rules give it to the proxy before anybody looks at it.
    private static async Task<string> AskAsync(IPAddress target)
    {
        try
        {
            using var client = await PodSocket.ConnectAsync(Topology.Outside, target, Plans.AppPort);
            return Encoding.ASCII.GetString(await client.ReceiveToEndAsync());
        }
        catch (SocketException fault)
        {
            return fault.SocketErrorCode.ToString();
        }
    }

    private static async Task ServeAsync(Socket app)
    {
        try
        {
            while (true)
            {
                using var incoming = await app.AcceptAsync();
                var caller = ((IPEndPoint)incoming.RemoteEndPoint!).Address;
                await incoming.SendAllAsync(Encoding.ASCII.GetBytes((caller.IsIPv4MappedToIPv6 ? caller.MapToIPv4() : caller).ToString()));
                incoming.Shutdown(SocketShutdown.Both);
            }
        }
        catch (Exception fault) when (fault is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted })
        {
            // the test is over
        }
    }
}
