using System.Net;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Identity;
using Ambient.Tests.Unit.Discovery;

namespace Ambient.Tests.Unit.Telemetry;

/// <summary>What an edge says of a source that proved nothing.</summary>
public sealed class EdgeNameTests
{
    [Theory]
    [InlineData(true, "node")]
    [InlineData(false, "")]   // unknown
    public void A_source_that_is_no_pod_is_a_node_if_the_address_is_a_nodes_own(bool fromNode, string name)
    {
        var edge = Plain(source: false, peer: null, fromNode);
        Assert.Equal((name, name, ""), (edge.SourceWorkload, edge.SourceNamespace, edge.SourceIdentity));
        Assert.Equal("shop", edge.DestinationNamespace);
    }

    [Fact]
    public void A_pod_or_a_proven_peer_keeps_its_name_though_the_address_is_a_nodes_own()
    {
        Assert.Equal("shop", Plain(source: true, peer: null, fromNode: true).SourceNamespace);
        Assert.Equal("pay", Plain(source: false, SpiffeId.Of("cluster.local", "pay", "till"), fromNode: true).SourceNamespace);
    }

    private static EdgeKey Plain(bool source, SpiffeId? peer, bool fromNode)
    {
        var view = MeshWorld.View(MeshWorld.Settings(), MeshWorld.Pod("uid-web", "10.1.0.1"), MeshWorld.Pod("uid-api", "10.1.0.2"));
        Assert.True(view.TryFindWorkload(IPAddress.Parse("10.1.0.1"), out var web));
        Assert.True(view.TryFindWorkload(IPAddress.Parse("10.1.0.2"), out var api));
        return Edges.FromDestination("cluster.local", source ? web : null, peer, api, Way.Plain, Protection.Plaintext, fromNode);
    }
}
