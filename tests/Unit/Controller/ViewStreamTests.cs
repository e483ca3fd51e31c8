using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

public sealed class ViewStreamTests
{
    [Fact]
    public async Task A_new_node_is_welcomed_and_gets_the_whole_view()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");

        await node.UntilAsync(() => node.View.Count == 5);

        Assert.Equal(1u, node.Welcome.ProtocolVersion);
        Assert.NotEmpty(node.Welcome.TrustBundle);
        Assert.True(node.Deltas[0].Full);
        Assert.Equal(["endpoint/shop/api/10.1.1.1", "service/shop/api", "settings", "workload/uid-api", "workload/uid-web"], node.View.Keys.Order());
        Assert.Equal(8080u, node.View["endpoint/shop/api/10.1.1.1"].Endpoint.Ports[0].Port);
        Assert.Equal("uid-api", node.View["endpoint/shop/api/10.1.1.1"].Endpoint.WorkloadUid);
        Assert.Equal(EnrolmentState.Enrolling, node.StateOf("uid-web"));
    }

    [Fact]
    public async Task A_change_of_a_file_reaches_the_nodes_as_a_delta_within_a_second()
    {
        await using var rig = await ControllerRig.StartAsync();
        await using var node = await rig.ConnectAsync("a");
        await node.UntilAsync(() => node.View.Count == 5);
        // The node's capabilities come to its workloads with a delta of their own.
        await node.UntilAsync(() => node.View["workload/uid-web"].Workload.Capabilities.Count == 1);
        var before = node.Deltas.Count;

        var start = TimeProvider.System.GetTimestamp();
        rig.Write("more.yaml", "{kind: Service, apiVersion: v1, metadata: {name: cache, namespace: shop}, spec: {clusterIP: 10.2.0.9, ports: [{port: 6379}]}}");
        await node.UntilAsync(() => node.View.ContainsKey("service/shop/cache"));

        Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(1));
        Assert.Equal(before + 1, node.Deltas.Count);
        Assert.False(node.Deltas[^1].Full);
        Assert.Equal("service/shop/cache", Assert.Single(node.Deltas[^1].Upserts).Key);

        File.Delete(Path.Combine(rig.Source, "more.yaml"));
        await node.UntilAsync(() => !node.View.ContainsKey("service/shop/cache"));
        Assert.Equal("service/shop/cache", Assert.Single(node.Deltas[^1].Removals));
    }
}
