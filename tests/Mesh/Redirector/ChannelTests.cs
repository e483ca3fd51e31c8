using Ambient.Native.Unix;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>One end of an inherited pair in place of a socket at a path, as where only one user exists.</summary>
public sealed class ChannelTests
{
    [Fact]
    public void NodeProxies_that_follow_each_other_on_one_inherited_channel_are_told_apart_by_their_sessions()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var (ours, theirs) = SeqPacketSocket.Pair();
        run.StartOnChannel(theirs);
        var shared = DescriptorCopy.Of(ours.Number);
        using (var node = new TestNode(ours))
        {
            node.Greet();
            node.Capture(pod, run.Order(pod.Ordered));
        }

        using var next = new TestNode(SeqPacketSocket.Adopt(shared));
        next.IgnoresOtherSessions = true;
        Assert.Equal(1ul, next.Greet().Hello.OrderVersion);
        next.AwaitListeners(pod);
        next.AwaitPhase(pod, PodPhase.Captured);
        Assert.Null(next.RequestSockets(pod.Uid, 2).Refused);
        using var dialled = Pod.Dial(pod.Address, 8080)!;
        using var accepted = Wire.Accept(next.Listeners[pod.Uid][1]);
        Assert.NotNull(accepted);
    }

    [Fact]
    public void A_Redirector_that_takes_the_channel_over_asks_for_a_Hello_and_gets_the_listeners_back()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var (ours, theirs) = SeqPacketSocket.Pair();
        var first = run.StartOnChannel(theirs);
        using var node = new TestNode(ours) { IgnoresOtherSessions = true };
        node.Greet();
        node.Capture(pod, run.Order(pod.Ordered));

        run.Kill(first);
        run.StartOnChannel(theirs);
        node.WaitUntil(() => node.HellosWanted > 1, "a wish for Hello");
        node.Greet(pod.Uid);
        node.AwaitCounter("listeners_taken_back_total", 1);
        Assert.Null(node.RequestSockets(pod.Uid, 2).Refused);
    }

    [Fact]
    public void A_channel_that_nobody_reads_keeps_Redirector_neither_from_mending_nor_from_the_next_session()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var (ours, theirs) = SeqPacketSocket.Pair();
        run.StartOnChannel(theirs);
        var shared = DescriptorCopy.Of(ours.Number);
        using (var node = new TestNode(ours))
        {
            node.Greet();
            node.Capture(pod, run.Order(pod.Ordered));
            byte[] request = Google.Protobuf.MessageExtensions.ToByteArray(new ToRedirector { Sockets = new SocketRequest { Uid = pod.Uid, Count = 65 } });
            for (int i = 0; i < 3000; i++)
                node.SendBytes(request);
            run.AwaitLog("does not read its channel");
            pod.Nft("flush", "ruleset");
            Wire.Until(() => Command.TryRun("ip", "netns", "exec", pod.Name, "nft", "list", "ruleset").Output.Contains("redirect to :15001", StringComparison.Ordinal), "mending");
        }

        using var next = new TestNode(SeqPacketSocket.Adopt(shared)) { IgnoresOtherSessions = true };
        next.Greet();
        next.AwaitPhase(pod, PodPhase.Captured);
    }
}
