using System.Net.Sockets;
using System.Text;
using Ambient.Native.Descriptors;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>Redirector's canary, with a NodeProxy that a test plays.</summary>
public sealed class CanaryTests
{
    private const string Service = "10.96.0.1:443", Uid = "ambient-canary";

    [Fact]
    public void Connections_of_the_canary_arrive_with_the_service_address_as_original_destination()
    {
        using var run = new RedirectorRun();
        run.Start("--canary-service", Service);
        using var node = run.Connect();
        node.Greet();
        node.WaitUntil(() => node.Listeners.ContainsKey(Uid), "the canary's listeners");

        var result = Answer(node, destination => destination);

        Assert.Equal((true, ""), (result.Ok, result.Reason));
        Assert.Equal(0, node.Counters.GetValueOrDefault("pods_captured"));   // no pod of the cluster
        using var later = run.Connect();
        later.Greet();
        Assert.True(later.Await(m => m.Canary is not null, "the newest result").Message.Canary.Ok);
    }

    [Fact]
    public void A_destination_that_was_rewritten_is_told_with_the_setting_to_change()
    {
        using var run = new RedirectorRun();
        run.Start("--canary-service", Service);
        using var node = run.Connect();
        node.Greet();
        node.WaitUntil(() => node.Listeners.ContainsKey(Uid), "the canary's listeners");

        var result = Answer(node, _ => "192.168.1.4:6443");

        Assert.Equal((false, "ServiceAddressHidden"), (result.Ok, result.Reason));
        Assert.Contains("socketLB.hostNamespaceOnly=true", result.Detail, StringComparison.Ordinal);
        Assert.True(Answer(node, destination => destination).Ok);   // mended: seen within seconds
    }

    [Fact]
    public void A_NodeProxy_that_accepts_and_says_nothing_is_told_apart()
    {
        using var run = new RedirectorRun();
        run.Start("--canary-service", Service);
        using var node = run.Connect();
        node.Greet();
        node.WaitUntil(() => node.Listeners.ContainsKey(Uid), "the canary's listeners");
        for (int i = 0; i < 2; i++)
            using (Wire.Accept(node.Listeners[Uid][0], 10_000))
            {
            }
        Assert.Equal("CanaryNotServed", node.Await(m => m.Canary is not null, "a result").Message.Canary.Reason);
    }

    [Fact]
    public void Orders_that_do_not_speak_of_the_canary_let_it_be_and_a_new_Redirector_makes_one_of_its_own()
    {
        using var run = new RedirectorRun();
        using var net = new PodNet();
        var pod = net.Add();
        var first = run.Start("--canary-service", Service);
        using (var node = run.Connect())
        {
            node.Greet();
            node.WaitUntil(() => node.Listeners.ContainsKey(Uid), "the canary's listeners");
            node.Capture(pod, run.Order(pod.Ordered));
            Assert.True(Answer(node, destination => destination).Ok);
        }
        Assert.Equal(0, run.Terminate(first));

        run.Start("--canary-service", Service);
        using var next = run.Connect();
        next.Greet();
        next.WaitUntil(() => next.Listeners.ContainsKey(Uid), "the canary's listeners");
        Assert.True(Answer(next, destination => destination).Ok);
    }

    // Plays NodeProxy: accepts, and says where the connection wanted to go.
    private static CanaryResult Answer(TestNode node, Func<string, string> said)
    {
        using var accepted = Wire.Accept(node.Listeners[Uid][0], 10_000);
        Assert.NotNull(accepted);
        Assert.Equal(Service, OriginalDestinationOf(accepted));
        accepted.Send(Encoding.ASCII.GetBytes(said(Service) + "\n"));
        accepted.Shutdown(SocketShutdown.Both);
        return node.Await(m => m.Canary is not null, "a result").Message.Canary;
    }

    private static string OriginalDestinationOf(Socket socket) =>
        Ambient.Native.Sockets.SocketCalls.TryGetOriginalDestination((int)socket.Handle, out var destination) ? destination.ToString() : Errno.NoEntry.ToString();
}
