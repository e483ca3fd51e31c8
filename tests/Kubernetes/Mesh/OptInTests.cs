using System.Diagnostics;
using Ambient.Cli.Lab;
using Ambient.Protocol.Cni;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Mesh.Rig;

namespace Ambient.Tests.Kubernetes.Mesh;

/// <summary>A pod that starts with a label of its own, from its object to its first connection: API, controller, NodeProxy, Redirector, CNI plugin.</summary>
[Collection(nameof(WholeCluster))]
public sealed class OptInTests(ApiServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_pod_that_opts_in_by_its_own_label_is_captured_by_the_plugin_before_the_api_knows_its_address()
    {
        await using var cluster = await ClusterLab.StartAsync(server);
        var (lab, node) = (cluster.Lab, cluster.Lab.Nodes[0]);
        var pod = new PodPlan(cluster.Shop, "mail", 1, 3);
        await lab.Network.AddPodAsync(pod);
        using var listener = PodSocket.Listen(lab.Plan.Pod("api-21").Network, Plans.AppPort);

        var began = Stopwatch.GetTimestamp();
        pod = await cluster.PutPodAsync(pod, "ambient.mesh/enroll: \"true\"", isStarting: true);
        await lab.UntilAsync("an order lists the pod", Patience, () => Task.FromResult(
            EnrolledList.TryRead(Path.Combine(node.RedirectorState, EnrolledList.FileName), out var list, out var fault) && list?.HasPod(pod.Namespace, pod.Name, pod.Uid) == true ? null : fault ?? "not yet"));
        TestContext.Current.TestOutputHelper?.WriteLine($"object to the order in force on its node: {Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms");

        var added = await AddAsync(node, pod);
        Assert.True(added.ExitCode == 0, added.Output);
        Assert.Equal(0, (await Tool.RunAsync(Command.Of("nft", "list", "table", "inet", "ambient").Inside(pod.Network))).ExitCode);
        // Its first connection waits for whoever may speak for it: until kubelet tells its address nobody may.
        var connecting = PodSocket.ConnectAsync(pod.Network, lab.Plan.Pod("api-21").V4, Plans.AppPort);
        await cluster.PutPodAsync(pod, "ambient.mesh/enroll: \"true\"");
        using var client = await connecting;
        using var accepted = await listener.AcceptSoonAsync();
        await lab.Controller.WaitForStateAsync("enrolled", [pod], Patience);
        await lab.UntilAsync("the proxy carried it", Patience, async () => (await lab.MetricsAsync()).Ways("source", "mail", "api").Count > 0 ? null : "not yet");
    }

    private static Task<ToolResult> AddAsync(LabNode node, PodPlan pod) => Tool.RunAsync(
        Command.Of("env", "CNI_COMMAND=ADD", "CNI_CONTAINERID=sandbox-1", $"CNI_NETNS={Topology.PathOf(pod.Network)}", "CNI_IFNAME=eth0", "CNI_PATH=/opt/cni/bin",
            $"CNI_ARGS=K8S_POD_NAMESPACE={pod.Namespace};K8S_POD_NAME={pod.Name};K8S_POD_UID={pod.Uid}", Programs.CniPlugin),
        $$"""
        {"cniVersion":"1.0.0","name":"cluster","type":"ambient-cni","socket":"{{node.CniSocket}}","enrolledFile":"{{Path.Combine(node.RedirectorState, EnrolledList.FileName)}}",
         "prevResult":{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"{{Topology.PathOf(pod.Network)}}"}],"ips":[{"interface":0,"address":"{{pod.V4}}/24"},{"interface":0,"address":"{{pod.V6}}/64"}]} }
        """);
}
