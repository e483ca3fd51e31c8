using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Ambient.Tests.Mesh.Cni.Runtime;
using Ambient.Tests.Mesh.Redirector;
using Grpc.Core;

namespace Ambient.Tests.Mesh.Cni;

/// <summary>Pods of a real container runtime, asked for as kubelet asks, on a network that the plugin was installed into.</summary>
public sealed class RuntimeTests
{
    private const string Uid = "2c6f0f8e-60a5-4f43-9c3e-6d7c1a8c2f10";

    [Fact]
    public void A_pod_of_an_enrolled_namespace_is_captured_before_it_can_start_a_container_and_let_go_of_at_its_end()
    {
        using var run = new RedirectorRun();
        run.Start();
        using var node = run.Connect();
        node.Greet();
        Assert.True(node.Pass(run.Sign(run.Enrolling("shop"))).Accepted);
        using var runtime = new Containerd(run);

        string sandbox = runtime.Run("shop", "web-1", Uid);

        var pod = TheOnlyPod(runtime.AddressOf(sandbox));
        Assert.True(pod.HasTable);
        node.WaitUntil(() => node.Listeners.ContainsKey(Uid), "listeners");
        using var client = pod.Connect(System.Net.IPAddress.Parse("10.200.0.1"), 80);
        Assert.NotNull(client);
        using var waits = Wire.Accept(node.Listeners[Uid][0]);
        Assert.NotNull(waits);   // its first packet, had it a container, would wait there for NodeProxy

        runtime.End(sandbox);
        node.Await(m => m.Status?.Uid == Uid && m.Status.Phase == PodPhase.Gone, "its end");
        Assert.Empty(Namespaces());
    }

    [Fact]
    public void A_pod_that_opts_in_by_its_own_label_is_captured_before_it_can_start_a_container_and_no_other_of_its_namespace_is()
    {
        using var run = new RedirectorRun();
        run.Start();
        using var node = run.Connect();
        node.Greet();
        var order = run.Unsigned();
        order.OptedIn.Add(new OptedInPod { Uid = Uid, Namespace = "bank", Name = "web-1" });
        Assert.True(node.Pass(run.Sign(order)).Accepted);
        using var runtime = new Containerd(run);

        string sandbox = runtime.Run("bank", "web-1", Uid);
        Assert.True(TheOnlyPod(runtime.AddressOf(sandbox)).HasTable);
        runtime.End(sandbox);
        node.Await(m => m.Status?.Uid == Uid && m.Status.Phase == PodPhase.Gone, "its end");

        string other = runtime.Run("bank", "web-2", "2c6f0f8e-60a5-4f43-9c3e-6d7c1a8c2f11");
        Assert.False(TheOnlyPod(runtime.AddressOf(other)).HasTable);
        runtime.End(other);
    }

    [Fact]
    public void Where_it_cannot_be_captured_it_does_not_start_the_reason_is_what_kubelet_shows_and_pods_of_other_namespaces_start()
    {
        using var run = new RedirectorRun();
        run.LeaveAnOrderBehind();   // which enrols shop; Redirector is away
        using var runtime = new Containerd(run);

        var refusal = Assert.Throws<RpcException>(() => runtime.Run("shop", "web-1", Uid));

        Assert.Contains("ambient-redirector does not answer, and namespace shop is enrolled in the mesh", refusal.Status.Detail, StringComparison.Ordinal);
        Assert.Empty(Namespaces());   // nothing of the attempt is left
        string other = runtime.Run("unrelated", "web-2", Uid);
        Assert.False(TheOnlyPod(runtime.AddressOf(other)).HasTable);
    }

    private static IEnumerable<string> Namespaces() => Directory.EnumerateFiles("/run/netns", "cni-*");

    private static Pod TheOnlyPod(System.Net.IPAddress address) => new(Path.GetFileName(Assert.Single(Namespaces())), address, System.Net.IPAddress.IPv6None);
}
