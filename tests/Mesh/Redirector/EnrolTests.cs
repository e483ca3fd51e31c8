using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Protocol.Discovery.V1;

namespace Ambient.Tests.Mesh.Redirector;

public sealed class EnrolTests
{
    [Fact]
    public void An_ordered_pod_is_captured_once_NodeProxy_is_ready_and_its_new_connections_arrive_at_the_listeners()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var node = run.Connect();
        node.Greet();

        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted);
        node.AwaitListeners(pod);
        Assert.False(pod.HasTable, "rules before NodeProxy was ready");
        node.Ready(pod, ready: false, "no certificate yet");
        node.WaitUntil(() => true, "");
        Assert.False(pod.HasTable, "rules although NodeProxy was not ready");
        node.Ready(pod);
        node.AwaitPhase(pod, PodPhase.Captured);

        Assert.True(pod.HasTable);
        foreach (var address in new[] { pod.Address, pod.AddressV6 })
        {
            using var inbound = Pod.Dial(address, 8080);
            Assert.NotNull(inbound);
            using var accepted = Accept(node.Listeners[pod.Uid][1]);
            Assert.NotNull(accepted);
        }
    }

    private static Socket? Accept(Descriptor listener)
    {
        int number = Ambient.Native.Sockets.SocketCalls.Accept(listener.Number, out _);
        return number < 0 ? null : new Socket(new SafeSocketHandle(number, ownsHandle: true));
    }
}
