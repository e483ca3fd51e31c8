using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Tests.Unit.Controller;

/// <summary>A change of exclusions as nodes see it on their streams.</summary>
public sealed class ExclusionStreamTests
{
    [Fact]
    public async Task All_nodes_hear_of_an_excluded_port_before_its_own_node_is_ordered_and_the_other_way_round()
    {
        await using var rig = await ControllerRig.StartAsync();
        string key = Path.Combine(rig.State, "order-key.pem");
        await using var a = await rig.ConnectAsync("a");
        await using var b = await rig.ConnectAsync("b");
        await a.UntilOrderedAsync(key, "uid-web");
        await a.ReportAsync("uid-web", PodPhase.Captured);
        await Task.WhenAll(a.UntilStateAsync("uid-web", EnrolmentState.Enrolled), b.UntilStateAsync("uid-web", EnrolmentState.Enrolled));
        await a.SettleAsync();

        a.Orders.Clear();
        rig.Write("mesh.yaml", ControllerRig.Shop.Replace("uid: uid-web,", "uid: uid-web, annotations: {ambient.mesh/exclude-inbound-ports: '9090'},"));
        await Task.WhenAll(a.UntilAsync(() => Excluded(a).SequenceEqual([9090u])), b.UntilAsync(() => Excluded(b).SequenceEqual([9090u])));
        Assert.Empty(a.Orders);
        var order = await a.UntilOrderedAsync(key, "uid-web");
        Assert.Equal([9090u], Assert.Single(order.Pods).ExcludeInboundPorts);

        await a.SendAsync(new NodeMessage { Report = new NodeReport { Pod = new PodReport { Uid = "uid-web", Phase = PodPhase.Captured, ExcludedInboundPorts = { 9090 } } } });
        a.Orders.Clear();
        rig.Write("mesh.yaml", ControllerRig.Shop);
        order = await a.UntilOrderedAsync(key, "uid-web");
        Assert.Empty(Assert.Single(order.Pods).ExcludeInboundPorts);
        Assert.Equal([9090u], Excluded(a));   // the rules have it until the node says otherwise
        await a.ReportAsync("uid-web", PodPhase.Captured);
        await Task.WhenAll(a.UntilAsync(() => !Excluded(a).Any()), b.UntilAsync(() => !Excluded(b).Any()));
    }

    private static IEnumerable<uint> Excluded(TestNode node) => node.View["workload/uid-web"].Workload.ExcludedInboundPorts;
}
