using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Ambient.Tests.Mesh.Redirector;

namespace Ambient.Tests.Mesh.Cni;

/// <summary>Pods that start: the plugin by the CNI convention against a real Redirector and real namespaces.</summary>
public sealed class StartTests
{
    [Theory]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void A_pod_of_an_enrolled_namespace_is_captured_before_ADD_returns_and_the_previous_result_passes_untouched(string version)
    {
        using var world = new World();
        var plugin = world.Plugin with { Version = version };
        var pod = world.Net.Add();

        var added = plugin.Add(pod);

        Assert.Equal((0, plugin.ResultOf(pod) + "\n"), (added.ExitCode, added.Output));
        Assert.True(pod.HasTable);
        world.Node.AwaitListeners(pod);
        using var client = pod.Connect(PluginWorld.Anywhere, 80);
        Assert.NotNull(client);
        using var waits = Wire.Accept(world.Node.Listeners[pod.Uid][0]);
        Assert.NotNull(waits);   // nothing left in the clear: it waits for whoever serves the pod
        Assert.Equal(0, plugin.Check(pod).ExitCode);
        // Nobody else hears of it as captured before it can be served.
        Assert.Equal(PodPhase.Preparing, world.Node.AwaitPhase(pod, PodPhase.Preparing).Phase);
    }

    [Fact]
    public void The_order_that_names_the_pod_confirms_it_and_one_that_does_not_yet_changes_nothing()
    {
        using var world = new World();
        Pod pod = world.Net.Add(), other = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);

        world.Pass(other.Ordered);
        world.Node.AwaitListeners(other);
        Assert.True(pod.HasTable);
        world.Pass(other.Ordered, Named(pod));
        world.Node.AwaitListeners(pod);
        world.Node.Ready(pod);

        world.Node.AwaitPhase(pod, PodPhase.Captured);
        world.Node.AwaitCounter("pods_captured", 1);
        world.Pass(other.Ordered);   // named once, it is withdrawn like any other
        world.Node.AwaitPhase(pod, PodPhase.Quiet);
    }

    [Fact]
    public void CHECK_fails_for_as_long_as_the_capture_is_broken()
    {
        using var world = new World();
        var pod = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);
        world.Pass(Named(pod));
        world.Node.AwaitListeners(pod);
        world.Node.Ready(pod);
        world.Node.AwaitPhase(pod, PodPhase.Captured);
        Assert.Equal(0, world.Plugin.Check(pod).ExitCode);

        Command.Run("ip", "netns", "exec", pod.Name, "ip", "link", "set", "lo", "down");
        world.Node.AwaitPhase(pod, PodPhase.Unproved);
        Assert.Equal(100, world.Plugin.Check(pod).Code);
        Command.Run("ip", "netns", "exec", pod.Name, "ip", "link", "set", "lo", "up");
        world.Node.AwaitPhase(pod, PodPhase.Captured);
        Assert.Equal(0, world.Plugin.Check(pod).ExitCode);
    }

    [Fact]
    public void An_order_that_leaves_the_pod_alone_lets_go_of_it()
    {
        using var world = new World();
        var pod = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);
        world.Node.AwaitListeners(pod);

        var order = world.Unsigned();
        order.LeftAlone.Add(pod.Uid);
        Assert.True(world.Node.Pass(world.Run.Sign(order)).Accepted);
        world.Node.AwaitPhase(pod, PodPhase.Quiet);
        world.Node.Drained(pod);
        world.Node.AwaitPhase(pod, PodPhase.Released);

        Assert.False(pod.HasTable);
        Assert.Equal(0, world.Plugin.Add(pod, "sandbox-2").ExitCode);
        Assert.False(pod.HasTable);
    }

    [Fact]
    public void A_namespace_that_leaves_the_mesh_takes_its_starting_pods_along()
    {
        using var world = new World();
        var pod = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);
        world.Node.AwaitListeners(pod);

        Assert.True(world.Node.Pass(world.Run.Order()).Accepted);

        world.Node.AwaitPhase(pod, PodPhase.Quiet);
    }

    [Theory]
    [InlineData("other", null)]        // not enrolled
    [InlineData("kube-system", null)]  // never enrolled, whatever an order says
    [InlineData("shop", "0123456789abcdef0123456789abcdef")]   // a static pod, whose UID no order will know
    public void What_is_not_enrolled_passes_untouched(string @namespace, string? uid)
    {
        using var world = new World("shop", "kube-system");
        var pod = world.Net.Add();

        var added = world.Plugin.Add(pod, @namespace: @namespace, uid: uid);

        Assert.Equal((0, world.Plugin.ResultOf(pod) + "\n"), (added.ExitCode, added.Output));
        Assert.False(pod.HasTable);
        Assert.Equal(0, world.Plugin.Check(pod, @namespace: @namespace).ExitCode);
    }

    [Fact]
    public void Annotations_that_the_runtime_passes_count_from_the_start()
    {
        using var world = new World();
        Pod excluded = world.Net.Add(), optsOut = world.Net.Add();

        Assert.Equal(0, world.Plugin.Add(excluded, annotations: new JsonObject
        {
            ["ambient.mesh/exclude-outbound-ports"] = "9000, 9001,nonsense", ["ambient.mesh/exclude-outbound-cidrs"] = "10.201.0.0/16", ["other.example/x"] = "a\nb",
        }).ExitCode);
        // The label opts out, which the controller reads; an annotation of that name is nothing that any rule on labels would see.
        Assert.Equal(0, world.Plugin.Add(optsOut, annotations: new JsonObject { ["ambient.mesh/enroll"] = "false" }).ExitCode);

        string rules = excluded.Nft("list", "table", "inet", "ambient");
        Assert.Contains("tcp dport { 9000, 9001 } return", rules, StringComparison.Ordinal);
        Assert.Contains("10.201.0.0/16", rules, StringComparison.Ordinal);
        Assert.True(optsOut.HasTable);
    }

    [Fact]
    public void A_pod_of_an_enrolled_namespace_that_cannot_be_captured_fails_with_the_reason()
    {
        using var world = new World();
        Pod pod = world.Net.Add(), other = world.Net.Add();

        var foreign = world.Plugin.Add(pod, result: world.Plugin.ResultOf(other));
        Assert.Equal((1, 100), (foreign.ExitCode, foreign.Code));
        Assert.Contains("none of the pod's addresses", foreign.Message, StringComparison.Ordinal);
        var without = world.Plugin.Add(pod, result: """{"cniVersion":"1.0.0"}""");
        Assert.Contains("without an address", without.Message, StringComparison.Ordinal);
        var nameless = world.Plugin.Add(pod, uid: "");
        Assert.Contains("K8S_POD_UID", nameless.Message, StringComparison.Ordinal);
        var host = Plugin.Call("ADD", "/proc/1/ns/net", "sandbox-9", world.Plugin.Network(world.Plugin.ResultOf(pod)), $"K8S_POD_NAMESPACE=shop;K8S_POD_NAME=x;K8S_POD_UID={pod.Uid}");
        Assert.Contains("never captured", host.Message, StringComparison.Ordinal);
        Assert.False(pod.HasTable);
        Assert.Equal(0, world.Plugin.Add(pod, "sandbox-2").ExitCode);
        Assert.True(pod.HasTable);
    }

    [Theory]
    [InlineData("1.0.0")]
    [InlineData("1.1.0")]
    public void DEL_ends_the_pod_and_a_DEL_of_an_earlier_sandbox_does_not(string version)
    {
        using var world = new World();
        var plugin = world.Plugin with { Version = version };
        var pod = world.Net.Add();
        Assert.Equal(0, plugin.Add(pod).ExitCode);
        world.Node.AwaitListeners(pod);

        // kubelet makes a sandbox anew before it has cleared the old one up.
        Command.Run("ip", "netns", "del", pod.Name);
        world.Net.Put(pod);
        world.Node.Drop(pod);
        Assert.Equal(0, plugin.Add(pod, "sandbox-2").ExitCode);
        Assert.True(pod.HasTable);
        Assert.Equal(0, plugin.Delete(pod, "sandbox-1").ExitCode);
        world.Node.AwaitListeners(pod);
        using (var client = pod.Connect(PluginWorld.Anywhere, 80))
        using (var waits = Wire.Accept(world.Node.Listeners[pod.Uid][0]))
            Assert.NotNull(waits);

        var clock = Stopwatch.StartNew();
        Assert.Equal(0, plugin.Delete(pod, "sandbox-2").ExitCode);
        world.Node.AwaitStatus(pod, s => s.Phase == PodPhase.Gone && s.Reason.Contains("takes its network away", StringComparison.Ordinal));
        Assert.True(clock.ElapsedMilliseconds < 10_000, $"{clock.ElapsedMilliseconds} ms");   // asked: a second
        Assert.Equal(0, plugin.Delete(pod, "sandbox-2").ExitCode);   // again, as runtimes do
    }

    [Fact]
    public void GC_lets_go_of_sandboxes_that_are_not_named()
    {
        using var world = new World();
        Pod stays = world.Net.Add(), goes = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(stays, "sandbox-a").ExitCode);
        Assert.Equal(0, world.Plugin.Add(goes, "sandbox-b").ExitCode);

        string valid = ",\"cni.dev/valid-attachments\":[{\"containerID\":\"sandbox-a\",\"ifname\":\"eth0\"}]";
        var collected = Plugin.Call("GC", "", "", (world.Plugin with { Version = "1.1.0" }).Network(null, more: valid), "");

        Assert.Equal((0, ""), (collected.ExitCode, collected.Output));
        world.Node.AwaitPhase(goes, PodPhase.Gone);
        Assert.Equal(0, world.Plugin.Check(stays, "sandbox-a").ExitCode);
    }

    [Fact]
    public void A_pod_that_no_order_has_named_yet_stays_captured_over_a_restart_of_Redirector()
    {
        using var world = new World();
        var pod = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);
        world.Node.AwaitListeners(pod);

        world.Run.Kill(world.Redirector);
        world.Run.Start();
        using var node = world.Run.Connect();
        node.Listeners[pod.Uid] = world.Node.Listeners[pod.Uid];
        node.Greet(pod.Uid);
        node.AwaitCounter("listeners_taken_back_total", 1);

        Assert.True(pod.HasTable);
        var order = world.Unsigned(Named(pod));
        order.Pods[0].NetnsPath = pod.Path;
        Assert.True(node.Pass(world.Run.Sign(order)).Accepted);
        node.Ready(pod);
        node.AwaitPhase(pod, PodPhase.Captured);
        Assert.Equal(0, world.Plugin.Delete(pod).ExitCode);
        node.AwaitPhase(pod, PodPhase.Gone);
    }

    // kubelet reports no address between two sandboxes, so an order may leave the pod out while the new one runs.
    [Fact]
    public void A_new_sandbox_of_an_ordered_pod_stays_captured_until_an_order_knows_it_and_obeys_the_orders_after_that()
    {
        using var world = new World();
        Pod pod = world.Net.Add(), other = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);
        world.Capture(pod);

        var anew = world.Replace(pod, Elsewhere(pod));
        Assert.Equal(0, world.Plugin.Add(anew, "sandbox-2").ExitCode);
        world.Node.AwaitListeners(anew);
        world.Pass(Named(pod));         // on its way already: it knows the address of before
        world.Pass(other.Ordered);      // no address at the moment
        world.AssertStaysRedirected(anew);

        world.Pass(other.Ordered, Named(anew));
        world.Node.Ready(anew);
        world.Node.AwaitPhase(anew, PodPhase.Captured);
        world.Pass(other.Ordered);
        world.Node.AwaitPhase(anew, PodPhase.Quiet);
    }

    [Fact]
    public void A_new_sandbox_with_the_address_of_the_one_before_is_known_only_to_an_order_that_was_issued_after_it_started()
    {
        using var world = new World();
        var pod = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);
        world.Capture(pod);

        world.Replace(pod, pod);
        Assert.Equal(0, world.Plugin.Add(pod, "sandbox-2").ExitCode);
        world.Node.AwaitListeners(pod);
        Issued(-5);
        world.Pass();
        world.AssertStaysRedirected(pod);

        Issued(+5);
        world.Node.Ready(pod);
        world.Node.AwaitPhase(pod, PodPhase.Captured);
        world.Pass();
        world.Node.AwaitPhase(pod, PodPhase.Quiet);

        void Issued(int seconds)
        {
            var order = world.Unsigned(Named(pod));
            order.IssuedUnixSeconds += seconds;
            Assert.True(world.Node.Pass(world.Run.Sign(order)).Accepted);
        }
    }

    [Fact]
    public void A_new_sandbox_that_no_order_knows_is_known_to_the_next_Redirector()
    {
        using var world = new World();
        var pod = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);
        world.Capture(pod, pod.Ordered);
        var anew = world.Replace(pod, Elsewhere(pod));
        Assert.Equal(0, world.Plugin.Add(anew, "sandbox-2").ExitCode);
        world.Node.AwaitListeners(anew);

        world.Restart();
        world.Node.AwaitListeners(anew);
        world.Pass();

        world.AssertStaysRedirected(anew);
        Assert.Equal(0, world.Plugin.Check(anew, "sandbox-2").ExitCode);
        Assert.Equal(0, world.Plugin.Delete(anew, "sandbox-2").ExitCode);
        world.Node.AwaitPhase(anew, PodPhase.Gone);
    }

    [Fact]
    public void Rules_of_a_pod_that_no_order_has_named_yet_are_in_force_again_before_any_NodeProxy_speaks_to_the_next_Redirector()
    {
        using var world = new World();
        var pod = world.Net.Add();
        Assert.Equal(0, world.Plugin.Add(pod).ExitCode);
        Assert.Equal(0, world.Run.Terminate(world.Redirector));
        pod.Nft("flush", "ruleset");

        world.Run.Start();

        Wire.Until(() => pod.HasTable, "the rules");
    }

    // As on a Kubernetes node, where orders name no path.
    private static CapturedPod Named(Pod pod)
    {
        var named = pod.Ordered;
        named.NetnsPath = "";
        return named;
    }

    // The network gives every sandbox an address of its own.
    private static Pod Elsewhere(Pod pod)
    {
        byte[] v4 = pod.Address.GetAddressBytes(), v6 = pod.AddressV6.GetAddressBytes();
        (v4[^1], v6[^1]) = ((byte)(v4[^1] + 100), (byte)(v6[^1] + 100));
        return pod with { Address = new IPAddress(v4), AddressV6 = new IPAddress(v6) };
    }

    private sealed class World : PluginWorld
    {
        private readonly string[] _enrolled;

        public World(params string[] enrolled)
        {
            _enrolled = enrolled is [] ? ["shop"] : enrolled;
            Pass();
        }

        public CaptureOrder Unsigned(params CapturedPod[] pods) => Run.Enrolling(_enrolled, pods);

        public void Pass(params CapturedPod[] pods) => Assert.True(Node.Pass(Run.Sign(Unsigned(pods))).Accepted);

        /// <summary>From the order that names the pod to CAPTURED.</summary>
        public void Capture(Pod pod, CapturedPod? ordered = null)
        {
            Node.AwaitListeners(pod);
            Pass(ordered ?? Named(pod));
            Node.Ready(pod);
            Node.AwaitPhase(pod, PodPhase.Captured);
        }

        /// <summary>The sandbox goes and another one comes, before anybody has cleared up.</summary>
        public Pod Replace(Pod pod, Pod by)
        {
            Command.Run("ip", "netns", "del", pod.Name);
            Net.Put(by);
            Node.Drop(pod);
            return by;
        }
    }
}
