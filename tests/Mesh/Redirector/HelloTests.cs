using Ambient.Protocol.Redirector.V1;

namespace Ambient.Tests.Mesh.Redirector;

public sealed class HelloTests
{
    // The two are rolled out independently: either may be the older one.
    [Fact]
    public void A_NodeProxy_of_another_version_is_told_which_one_is_spoken_here_and_nothing_more()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        run.Start();
        using var node = run.Connect();

        var answer = node.Greet(version: 2);
        Assert.Equal(new RedirectorHello { ProtocolVersion = 1 }, answer.Hello);
        run.AwaitLog("a Hello of version 2");
        _ = node.AskForSockets(pod.Uid, 1);
        run.AwaitLog("a message before Hello");

        Assert.Equal(RedirectorRun.Node, node.Greet().Hello.Node);
        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted);
        node.AwaitListeners(pod);
        Assert.NotNull(node.RequestSockets(pod.Uid, 1).Given);
    }
}
