using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Ambient.Native.Descriptors;
using Ambient.Protocol.Discovery.V1;
using Ambient.Tests.Mesh.Redirector;

namespace Ambient.Tests.Mesh.Cni;

/// <summary>
/// A pod gets the address of one that is gone, while the order in force, NodeProxy and a late DEL still speak of the one before: nothing of
/// that one serves it.
/// </summary>
public sealed class AddressReuseTests : IDisposable
{
    private readonly RedirectorRun _run = new();
    private readonly PodNet _net = new();
    private readonly TestNode _node;
    private readonly Plugin _plugin;
    private readonly Socket _outside = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Pod _former;
    private readonly List<Descriptor> _formerListeners, _formerSockets;

    public AddressReuseTests()
    {
        _plugin = new Plugin(_run);
        _former = _net.Add();
        byte[] node = _former.Address.GetAddressBytes();
        node[^1] = 1;
        _outside.Bind(new IPEndPoint(new IPAddress(node), 0));
        _outside.Listen();
        _run.Start();
        _node = _run.Connect();
        _node.Greet();
        Assert.True(_node.Pass(_run.Sign(_run.Enrolling("shop"))).Accepted);
        Assert.Equal(0, _plugin.Add(_former, "sandbox-former", annotations: new JsonObject { ["ambient.mesh/exclude-outbound-ports"] = "9000" }).ExitCode);
        PassFormersOrder();
        _node.AwaitListeners(_former);
        _node.Ready(_former);
        _node.AwaitPhase(_former, PodPhase.Captured);
        _formerListeners = _node.Listeners[_former.Uid];
        _formerSockets = _node.RequestSockets(_former.Uid, 2).Descriptors;

        // NodeProxy lets go of nothing, which keeps the namespace alive: the runtime takes the pod's link away all the same.
        Command.Run("ip", "link", "del", $"v{_former.Name}");
        Command.Run("ip", "netns", "del", _former.Name);
        _node.AwaitPhase(_former, PodPhase.Gone);
    }

    private IPEndPoint Outside => (IPEndPoint)_outside.LocalEndPoint!;

    [Fact]
    public void A_successor_outside_the_mesh_is_left_as_it_is()
    {
        var pod = _net.AddInPlaceOf(_former);

        Assert.Equal(0, _plugin.Add(pod, "sandbox-new", @namespace: "elsewhere").ExitCode);
        Assert.Equal(0, _plugin.Delete(_former, "sandbox-former").ExitCode);
        PassFormersOrder();   // whose address is the successor's now

        using var app = pod.Listen(8080);
        using (var client = Pod.Dial(pod.Address, 8080))
            Assert.True(client is not null && Wire.Exchange(client, app.Accept()), "the app is reached as it is");
        AssertArrivesFrom(pod, () => pod.Connect(Outside.Address, Outside.Port));
        AssertNothingOfTheFormerServes();
        Assert.NotNull(_node.RequestSockets(pod.Uid, 1).Refused);
        Assert.False(pod.HasTable);
        Assert.DoesNotContain("0x539", Command.Run("ip", "-n", pod.Name, "rule", "show"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_successor_in_the_mesh_has_listeners_rules_and_sockets_of_its_own()
    {
        var pod = _net.AddInPlaceOf(_former);

        Assert.Equal(0, _plugin.Add(pod, "sandbox-new").ExitCode);
        Assert.Equal(0, _plugin.Delete(_former, "sandbox-former").ExitCode);
        PassFormersOrder();

        _node.AwaitListeners(pod);
        Assert.DoesNotContain("9000", pod.Nft("list", "table", "inet", "ambient"), StringComparison.Ordinal);
        using (var client = pod.Connect(Outside.Address, 9000))
        using (var redirected = Wire.Accept(_node.Listeners[pod.Uid][0]))
            Assert.NotNull(redirected);
        using (var client = Pod.Dial(pod.Address, 8080))
        using (var redirected = Wire.Accept(_node.Listeners[pod.Uid][1]))
            Assert.NotNull(redirected);
        AssertNothingOfTheFormerServes();
        var own = _node.RequestSockets(pod.Uid, 1).Descriptors.Single();
        AssertArrivesFrom(pod, () => Dial(own));
        Assert.Equal(0, _plugin.Check(pod, "sandbox-new").ExitCode);
    }

    public void Dispose()
    {
        _node.Dispose();
        _outside.Dispose();
        _run.Dispose();
        _net.Dispose();
    }

    private void PassFormersOrder()
    {
        var named = _former.Ordered;
        named.NetnsPath = "";
        named.ExcludeOutboundPorts.Add(9000);
        Assert.True(_node.Pass(_run.Sign(_run.Enrolling("shop", named))).Accepted);
    }

    // After connections to and from the pod, so that there was something to serve.
    private void AssertNothingOfTheFormerServes()
    {
        foreach (var listener in _formerListeners)
            using (var served = Wire.Accept(listener, milliseconds: 200))
                Assert.Null(served);
        Assert.NotNull(_node.RequestSockets(_former.Uid, 1).Refused);
        foreach (var socket in _formerSockets)
            using (var led = Dial(socket))
                Assert.Null(led);
    }

    private void AssertArrivesFrom(Pod pod, Func<Socket?> connect)
    {
        using var client = connect();
        Assert.NotNull(client);
        using var arrived = _outside.Accept();
        Assert.Equal(pod.Address, ((IPEndPoint)arrived.RemoteEndPoint!).Address);
    }

    // As NodeProxy connects a socket that it was given; null where that leads nowhere.
    private Socket? Dial(Descriptor given)
    {
        var socket = new Socket(new SafeSocketHandle(given.Number, ownsHandle: false));
        try
        {
            if (socket.ConnectAsync(Outside.Address.MapToIPv6(), Outside.Port).Wait(TimeSpan.FromSeconds(1)))
                return socket;
        }
        catch (AggregateException)
        {
            // No way from there.
        }
        socket.Dispose();
        return null;
    }
}
