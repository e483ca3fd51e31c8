using Ambient.Protocol.Redirector.V1;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>The controller's order key is replaced while Redirector runs.</summary>
public sealed class OrderKeyTests
{
    // NodeProxy has the order at once and passes it on once; kubelet takes a minute to bring the key.
    [Fact]
    public void An_order_that_came_before_its_key_is_in_force_soon_after_the_key_is_there()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        Pod pod = net.Add(), other = net.Add();
        run.Start();
        using var node = run.Capture(pod);
        run.ReplaceKey();
        Assert.Contains("not signed by the controller", node.Pass(run.Order(pod.Ordered, other.Ordered)).Reason, StringComparison.Ordinal);

        run.PublishKey();

        Assert.True(node.Await(m => m.BodyCase == ToNode.BodyOneofCase.Order, "OrderResult").Message.Order.Accepted);
        node.AwaitListeners(other);
        Assert.True(pod.HasTable);
        File.WriteAllText(run.KeyFile, "no key");
        run.AwaitLog("the order key of before stays");
        Assert.True(node.Pass(run.Order(pod.Ordered)).Accepted);
    }
}
