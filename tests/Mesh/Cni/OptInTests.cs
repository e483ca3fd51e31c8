using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Ambient.Tests.Mesh.Redirector;

namespace Ambient.Tests.Mesh.Cni;

/// <summary>Pods that start with a label of their own, in a namespace that is not enrolled: the order says so before it can name them.</summary>
public sealed class OptInTests
{
    private const string Bank = "bank";

    [Fact]
    public void A_pod_that_opts_in_by_its_own_label_is_captured_before_ADD_returns_and_no_other_of_its_namespace_is()
    {
        using var world = new World();
        Pod pod = world.Net.Add(), other = world.Net.Add();
        world.Pass([pod]);

        Assert.Equal(0, world.Plugin.Add(pod, @namespace: Bank).ExitCode);
        Assert.Equal(0, world.Plugin.Add(other, "sandbox-2", @namespace: Bank).ExitCode);

        Assert.Equal((true, false), (pod.HasTable, other.HasTable));
        world.Node.AwaitListeners(pod);
        using var client = pod.Connect(PluginWorld.Anywhere, 80);
        Assert.NotNull(client);
        using var waits = Wire.Accept(world.Node.Listeners[pod.Uid][0]);
        Assert.NotNull(waits);   // nothing left in the clear: it waits for whoever serves the pod
        Assert.Equal(0, world.Plugin.Check(pod, @namespace: Bank).ExitCode);
    }

    [Fact]
    public void A_pod_that_opts_in_and_cannot_be_captured_fails_with_the_reason()
    {
        using var world = new World();
        Pod pod = world.Net.Add(), other = world.Net.Add();
        world.Pass([pod]);

        var foreign = world.Plugin.Add(pod, result: world.Plugin.ResultOf(other), @namespace: Bank);
        Assert.Equal((1, 100), (foreign.ExitCode, foreign.Code));
        Assert.Contains("none of the pod's addresses", foreign.Message, StringComparison.Ordinal);
        // A runtime that does not tell the UID tells the name: the pod is known by it, and does not start uncaptured either.
        var nameless = world.Plugin.Add(pod, uid: "", @namespace: Bank);
        Assert.Equal((1, 100), (nameless.ExitCode, nameless.Code));
        Assert.Contains("K8S_POD_UID", nameless.Message, StringComparison.Ordinal);

        Assert.False(pod.HasTable);
        Assert.Equal(0, world.Plugin.Add(pod, "sandbox-2", @namespace: Bank).ExitCode);
        Assert.True(pod.HasTable);
    }

    [Fact]
    public void An_excluded_namespace_has_no_pod_that_opts_in_whatever_an_order_says()
    {
        using var world = new World();
        var pod = world.Net.Add();
        world.Pass([pod]);

        Assert.Equal(0, world.Plugin.Add(pod, @namespace: "kube-system").ExitCode);
        Assert.False(pod.HasTable);
    }

    [Fact]
    public void An_order_that_no_longer_lists_a_pod_which_none_has_named_lets_go_of_it()
    {
        using var world = new World();
        var pod = world.Net.Add();
        world.Pass([pod]);
        Assert.Equal(0, world.Plugin.Add(pod, @namespace: Bank).ExitCode);
        world.Node.AwaitListeners(pod);

        world.Pass([pod]);
        world.AssertStaysRedirected(pod);
        world.Pass([]);

        world.Node.AwaitPhase(pod, PodPhase.Quiet);
    }

    // kubelet reports no address between two sandboxes: an order made just then does not name the pod, and lists it all the same.
    [Fact]
    public void A_new_sandbox_of_an_ordered_pod_stays_captured_over_an_order_that_lists_it_and_does_not_name_it()
    {
        using var world = new World();
        var pod = world.Net.Add();
        world.Pass([pod]);
        Assert.Equal(0, world.Plugin.Add(pod, @namespace: Bank).ExitCode);
        world.Node.AwaitListeners(pod);
        world.Pass([pod], Named(pod));
        world.Node.Ready(pod);
        world.Node.AwaitPhase(pod, PodPhase.Captured);

        Command.Run("ip", "netns", "del", pod.Name);
        world.Net.Put(pod);
        world.Node.Drop(pod);
        Assert.Equal(0, world.Plugin.Add(pod, "sandbox-2", @namespace: Bank).ExitCode);
        world.Node.AwaitListeners(pod);
        world.Pass([pod]);

        world.AssertStaysRedirected(pod);
    }

    [Fact]
    public void While_Redirector_is_away_or_has_lost_its_order_a_pod_that_opts_in_fails_and_all_others_of_its_namespace_start()
    {
        using var world = new World();
        Pod pod = world.Net.Add(), other = world.Net.Add();
        world.Pass([pod]);
        world.Run.Kill(world.Redirector);

        var away = world.Plugin.Add(pod, @namespace: Bank);
        Assert.Equal((1, 101), (away.ExitCode, away.Code));
        Assert.Contains("by its own label", away.Message, StringComparison.Ordinal);
        Assert.Equal(101, world.Plugin.Check(pod, @namespace: Bank).Code);
        Assert.Equal(0, world.Plugin.Add(other, @namespace: Bank).ExitCode);

        File.WriteAllText(Path.Combine(world.Run.State, "order"), "damaged");
        world.Run.Start();
        using var node = world.Run.Connect();
        var lost = world.Plugin.Add(pod, @namespace: Bank);
        Assert.Equal((1, 100), (lost.ExitCode, lost.Code));
        Assert.Contains("by its own label", lost.Message, StringComparison.Ordinal);
        Assert.Equal(0, world.Plugin.Add(other, @namespace: Bank).ExitCode);
        Assert.Equal((false, false), (pod.HasTable, other.HasTable));
    }

    private static CapturedPod Named(Pod pod)
    {
        var named = pod.Ordered;
        (named.Namespace, named.NetnsPath) = (Bank, "");
        return named;
    }

    private sealed class World : PluginWorld
    {
        /// <summary>The next order, which enrols no namespace.</summary>
        public void Pass(IEnumerable<Pod> optedIn, params CapturedPod[] named)
        {
            var order = Run.Unsigned(named);
            order.OptedIn.Add(optedIn.Select(pod => new OptedInPod { Uid = pod.Uid, Namespace = Bank, Name = pod.Name }));
            Assert.True(Node.Pass(Run.Sign(order)).Accepted);
        }
    }
}
