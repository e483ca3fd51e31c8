using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Tests.Unit.Controller;

public sealed class EnrolmentStreamTests
{
    private static readonly string NotEnrolled = ControllerRig.Shop.Replace("\"true\"", "\"false\"");

    [Fact]
    public async Task A_pod_is_announced_as_enrolled_to_all_only_after_its_own_node_has_captured_it()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var a = await rig.ConnectAsync("a");
        await using var b = await rig.ConnectAsync("b");

        var order = await a.UntilOrderedAsync(OrderKey(rig), "uid-web");
        Assert.Equal(["shop"], order.EnrolledNamespaces);
        Assert.Equal("boot-1", order.BootId);
        await a.ReportAsync("uid-web", PodPhase.Preparing);
        await a.ReportAsync("uid-web", PodPhase.Captured);

        await b.UntilStateAsync("uid-web", EnrolmentState.Enrolled);
        await a.UntilStateAsync("uid-web", EnrolmentState.Enrolled);
        Assert.Equal(EnrolmentState.Enrolling, b.StateOf("uid-api"));
    }

    [Fact]
    public async Task A_pod_is_withdrawn_when_all_connected_nodes_have_acked_and_forgotten_when_its_rules_are_gone()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var a = await rig.ConnectAsync("a");
        await using var b = await rig.ConnectAsync("b");
        await a.UntilOrderedAsync(OrderKey(rig), "uid-web");
        await a.ReportAsync("uid-web", PodPhase.Captured);
        await b.UntilStateAsync("uid-web", EnrolmentState.Enrolled);
        await a.UntilStateAsync("uid-web", EnrolmentState.Enrolled);
        await a.SettleAsync();

        rig.Write("mesh.yaml", NotEnrolled);
        await Task.WhenAll(a.UntilStateAsync("uid-web", EnrolmentState.Withdrawing), b.UntilStateAsync("uid-web", EnrolmentState.Withdrawing));
        await a.UntilOrderedAsync(OrderKey(rig));

        await a.ReportAsync("uid-web", PodPhase.Quiet);
        await a.ReportAsync("uid-web", PodPhase.Released);
        await Task.WhenAll(a.UntilStateAsync("uid-web", EnrolmentState.None), b.UntilStateAsync("uid-web", EnrolmentState.None));
    }

    // The node's CNI plugin has it captured before kubelet tells its address.
    [Fact]
    public async Task A_report_on_a_pod_that_starts_is_no_alarm_and_one_on_another_nodes_pod_is()
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop + '\n' + """
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: starts, namespace: shop, uid: uid-starts}
            spec: {nodeName: a, serviceAccountName: web}
            """);
        await using var a = await rig.ConnectAsync("a");
        await using var b = await rig.ConnectAsync("b");

        await a.ReportAsync("uid-starts", PodPhase.Preparing);
        await a.ReportAsync("uid-not-known-yet", PodPhase.Preparing);
        await a.ReportAsync("uid-not-known", PodPhase.Captured);
        await b.ReportAsync("uid-starts", PodPhase.Preparing);

        await rig.LoggedAsync("Node a reports on pod uid-not-known,");
        await rig.LoggedAsync("Node b reports on pod uid-starts,");
        Assert.DoesNotContain(rig.Log, line => line.Contains("Node a reports on pod uid-starts,") || line.Contains("uid-not-known-yet"));
    }

    // The node's CNI plugin captures by the namespace's label before the API knows the pod's address.
    [Fact]
    public async Task An_order_names_the_namespaces_that_are_labelled_and_the_pods_in_them_that_are_left_alone()
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop + '\n' + """
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: out, namespace: shop, uid: uid-out, labels: {ambient.mesh/enroll: "false"}}
            spec: {nodeName: a, serviceAccountName: web}
            status: {podIP: 10.1.0.8}
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: host, namespace: shop, uid: uid-host}
            spec: {nodeName: a, serviceAccountName: web, hostNetwork: true}
            status: {podIP: 10.9.0.1}
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: static, namespace: alone, uid: uid-in, labels: {ambient.mesh/enroll: "true"}, annotations: {kubernetes.io/config.hash: abc}}
            spec: {nodeName: a, serviceAccountName: web}
            status: {podIP: 10.1.0.9}
            """);
        await using var a = await rig.ConnectAsync("a");

        var order = await a.UntilOrderedAsync(OrderKey(rig), "uid-in", "uid-web");

        Assert.Equal(["shop"], order.EnrolledNamespaces);
        Assert.Equal(["uid-out"], order.LeftAlone);
        Assert.Equal("abc", order.Pods.Single(p => p.Uid == "uid-in").RuntimeUid);
    }

    // Of a sandbox that was made anew, kubelet reports no address for a moment: no order can name it then, and Redirector keeps it captured.
    [Fact]
    public async Task A_pod_that_opts_out_while_it_has_no_address_is_left_alone_by_the_next_order_and_not_after_a_deadline()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var a = await rig.ConnectAsync("a");
        await a.UntilOrderedAsync(OrderKey(rig), "uid-web");
        await a.ReportAsync("uid-web", PodPhase.Captured);
        await a.UntilAsync(() => a.StateOf("uid-web") == EnrolmentState.Enrolled);

        rig.Write("mesh.yaml", ControllerRig.Shop.Replace("labels: {app: web}", "labels: {app: web, ambient.mesh/enroll: 'false'}").Replace("podIP: 10.1.0.1", "phase: Pending"));

        var order = await a.UntilOrderedAsync(OrderKey(rig));
        Assert.Equal(["uid-web"], order.LeftAlone);
        Assert.Equal(EnrolmentState.Withdrawing, a.StateOf("uid-web"));
    }

    [Fact]
    public async Task A_pod_that_has_no_address_yet_is_left_alone_by_its_label_and_by_nothing_else()
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop + '\n' + """
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: out, namespace: shop, uid: uid-out, labels: {ambient.mesh/enroll: "false"}}
            spec: {nodeName: a, serviceAccountName: web}
            ---
            kind: Pod
            apiVersion: v1
            metadata: {name: in, namespace: shop, uid: uid-in}
            spec: {nodeName: a, serviceAccountName: web}
            """);
        await using var a = await rig.ConnectAsync("a");
        Assert.Equal(["uid-out"], (await a.UntilOrderedAsync(OrderKey(rig), "uid-web")).LeftAlone);
    }

    // What starts has no address: it is in no order's pods, and its namespace says nothing.
    [Fact]
    public async Task An_order_lists_a_pod_that_opts_in_by_its_own_label_from_when_it_has_a_node_and_until_the_label_goes()
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop + Starting(""));
        await using var a = await rig.ConnectAsync("a");
        await using var b = await rig.ConnectAsync("b");

        var order = await a.UntilOrderedAsync(OrderKey(rig), "uid-web");
        Assert.Equal([new OptedInPod { Uid = "uid-in", Namespace = "bank", Name = "in" }], order.OptedIn);
        Assert.Empty((await b.UntilOrderedAsync(OrderKey(rig), "uid-api")).OptedIn);

        rig.Write("mesh.yaml", ControllerRig.Shop + Starting("status: {podIP: 10.1.0.9}"));
        order = await a.UntilOrderedAsync(OrderKey(rig), "uid-in", "uid-web");
        Assert.Equal("uid-in", Assert.Single(order.OptedIn).Uid);   // of a sandbox that is made anew kubelet tells no address for a while

        rig.Write("mesh.yaml", ControllerRig.Shop + Starting("status: {podIP: 10.1.0.9}").Replace("\"true\"", "\"false\""));
        order = await a.UntilOrderedAsync(OrderKey(rig), "uid-web");
        Assert.Empty(order.OptedIn);
        Assert.Empty(order.LeftAlone);   // its namespace is not enrolled: there is nothing that it has to be left out of
    }

    [Theory]
    [InlineData("bank", "true")]           // whose network is the node's
    [InlineData("kube-system", "false")]   // never enrolled
    [InlineData("shop", "false")]          // enrolled as a whole
    public async Task An_order_lists_no_pod_that_its_own_label_does_not_bring_into_the_mesh(string ns, string hostNetwork)
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop
            + Starting("").Replace("namespace: bank,", $"namespace: {ns},").Replace("nodeName: a,", $"nodeName: a, hostNetwork: {hostNetwork},"));
        await using var a = await rig.ConnectAsync("a");
        Assert.Empty((await a.UntilOrderedAsync(OrderKey(rig), "uid-web")).OptedIn);
    }

    [Fact]
    public async Task Pods_that_name_a_node_in_their_thousands_make_no_order_that_is_too_long()
    {
        string Many(string ns, string label, int count) => string.Concat(Enumerable.Range(0, count).Select(i =>
            $"\n---\n{{kind: Pod, apiVersion: v1, metadata: {{name: p{i}, namespace: {ns}, uid: {label}-{i:0000}, labels: {{ambient.mesh/enroll: '{label}'}}}}, spec: {{nodeName: a}}}}"));
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop + Many("bank", "true", 4097) + Many("shop", "false", 4098));
        await using var a = await rig.ConnectAsync("a");

        var order = await a.UntilOrderedAsync(OrderKey(rig), "uid-web");

        Assert.Equal((4096, 4096), (order.OptedIn.Count, order.LeftAlone.Count));
        Assert.True(a.Orders[^1].Order.Length < OrderVerifier.MaxLength, $"{a.Orders[^1].Order.Length} bytes");
        await rig.LoggedAsync("Node a has 4097 pods that a label of their own takes into the mesh, of which its orders list 4096");
        await rig.LoggedAsync("Node a has 4098 pods that a label of their own takes out of the mesh, of which its orders list 4096");
    }

    [Fact]
    public async Task A_pod_that_leaves_the_source_leaves_the_view_and_the_order_at_once()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var a = await rig.ConnectAsync("a");
        await a.UntilOrderedAsync(OrderKey(rig), "uid-web");

        rig.Write("mesh.yaml", ControllerRig.Shop.Replace("name: web,", "name: other,").Replace("uid-web", "uid-other"));

        await a.UntilOrderedAsync(OrderKey(rig), "uid-other");
        await a.UntilAsync(() => a.StateOf("uid-web") is null && a.StateOf("uid-other") == EnrolmentState.Enrolling);
    }

    [Fact]
    public async Task A_pod_whose_capture_fails_stays_on_its_way_in_and_the_reason_can_be_seen()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var a = await rig.ConnectAsync("a");
        await a.UntilOrderedAsync(OrderKey(rig), "uid-web");

        await a.ReportAsync("uid-web", PodPhase.Failed, "nft is not installed");

        await rig.LoggedAsync("nft is not installed");
        Assert.Equal(EnrolmentState.Enrolling, a.StateOf("uid-web"));
        var nodes = await rig.GetAsync("/v1/nodes");
        Assert.Contains("nft is not installed", nodes);
        Assert.Contains("\"phase\": \"failed\"", nodes);
    }

    [Fact]
    public async Task A_restarted_controller_tells_nobody_that_a_captured_pod_is_not_captured()
    {
        await using var rig = await ControllerRig.StartAsync();
        ulong version;
        string epoch;
        await using (var a = await rig.ConnectAsync("a"))
        {
            var order = await a.UntilOrderedAsync(OrderKey(rig), "uid-web");
            await a.ReportAsync("uid-web", PodPhase.Captured);
            await a.UntilStateAsync("uid-web", EnrolmentState.Enrolled);
            (version, epoch) = (order.Version, a.Welcome.Epoch);
        }

        await rig.RestartAsync();
        await using var other = await rig.ConnectAsync("b", epoch: epoch, version: 7);
        await other.UntilAsync(() => other.View.Count == 5);
        Assert.All(other.Deltas, d => Assert.All(d.Upserts.Where(u => u.Key == "workload/uid-web"), u => Assert.Equal(EnrolmentState.Enrolled, u.Workload.Enrolment)));

        await using var again = await rig.ConnectAsync("a", epoch: epoch, version: 7);
        Assert.NotEqual(epoch, again.Welcome.Epoch);
        var next = await again.UntilOrderedAsync(OrderKey(rig), "uid-web");
        Assert.True(next.Version > version);
        await again.ReportAsync("uid-web", PodPhase.Captured);
        await again.SettleAsync();
        Assert.Equal(EnrolmentState.Enrolled, again.StateOf("uid-web"));
    }

    [Fact]
    public async Task A_controller_that_lost_its_record_lets_nodes_keep_their_view_until_the_pods_have_been_reported()
    {
        await using var rig = await ControllerRig.StartAsync();
        File.Delete(Path.Combine(rig.State, "enrolment.json"));
        await rig.RestartAsync();

        await using var a = await rig.ConnectAsync("a", epoch: "before", version: 7);
        await using var b = await rig.ConnectAsync("b", epoch: "before", version: 7);
        await a.ReportAsync("uid-web", PodPhase.Captured);
        await b.ReportAsync("uid-api", PodPhase.Captured);

        await a.UntilAsync(() => a.View.Count == 5);
        Assert.All(a.Deltas.SelectMany(d => d.Upserts).Select(u => u.Workload).OfType<WorkloadResource>(), w => Assert.Equal(EnrolmentState.Enrolled, w.Enrolment));
    }

    [Fact]
    public async Task A_node_whose_kernel_was_started_again_has_its_pods_captured_anew()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var b = await rig.ConnectAsync("b");
        await using (var a = await rig.ConnectAsync("a"))
        {
            await a.UntilOrderedAsync(OrderKey(rig), "uid-web");
            await a.ReportAsync("uid-web", PodPhase.Captured);
            await b.UntilStateAsync("uid-web", EnrolmentState.Enrolled);
        }

        await using var again = await rig.ConnectAsync("a", boot: "boot-2");
        Assert.Equal("boot-2", (await again.UntilOrderedAsync(OrderKey(rig), "uid-web")).BootId);
        await b.UntilStateAsync("uid-web", EnrolmentState.Enrolling);
    }

    [Fact]
    public async Task A_node_that_names_no_boot_gets_a_view_and_no_order()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var a = await rig.ConnectAsync("a", boot: "");
        await a.SettleAsync();
        rig.Write("mesh.yaml", NotEnrolled);
        await a.UntilAsync(() => a.StateOf("uid-web") is EnrolmentState.Withdrawing or EnrolmentState.None);
        Assert.Empty(a.Orders);
    }

    [Fact]
    public async Task An_order_carries_addresses_namespace_path_and_exclusions()
    {
        await using var rig = await ControllerRig.StartAsync(ControllerRig.Shop.Replace("uid: uid-web,",
            "uid: uid-web, annotations: {ambient.mesh/netns: /run/netns/web, ambient.mesh/exclude-inbound-ports: '9090, 22', ambient.mesh/exclude-outbound-cidrs: 192.168.0.0/16},"));
        await using var a = await rig.ConnectAsync("a");

        var pod = Assert.Single((await a.UntilOrderedAsync(OrderKey(rig), "uid-web")).Pods);

        Assert.Equal("/run/netns/web", pod.NetnsPath);
        Assert.Equal([10, 1, 0, 1], Assert.Single(pod.Addresses).ToByteArray());
        Assert.Equal([22u, 9090u], pod.ExcludeInboundPorts);
        Assert.Equal(16u, Assert.Single(pod.ExcludeOutboundRanges).PrefixLength);
    }

    private static string Starting(string status) => $$$"""

        ---
        kind: Namespace
        apiVersion: v1
        metadata: {name: bank}
        ---
        kind: Pod
        apiVersion: v1
        metadata: {name: in, namespace: bank, uid: uid-in, labels: {ambient.mesh/enroll: "true"}}
        spec: {nodeName: a, serviceAccountName: in}
        {{{status}}}
        """;

    private static string OrderKey(ControllerRig rig) => Path.Combine(rig.State, "order-key.pem");
}
