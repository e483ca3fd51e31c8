using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;
using Ambient.Tests.Unit.Discovery;
using Endpoint = Ambient.Protocol.Model.Endpoint;
using Service = Ambient.Protocol.Model.Service;
using ServicePort = Ambient.Protocol.Model.ServicePort;
using TrafficDistribution = Ambient.Protocol.Model.TrafficDistribution;

namespace Ambient.Tests.Unit.Balancing;

/// <summary>Near endpoints first, where a service wants that.</summary>
public sealed class NearEndpointTests
{
    private static readonly ServicePort Port = new("http", 80);
    private static readonly Caller Caller = new(IPAddress.Parse("10.0.9.1"), AddressFamily.InterNetwork, "a", "z1", 0);

    // Node a and b in zone z1, c in z2; .9 stands nowhere known.
    private static readonly (string Address, string Node, string Zone)[] Everywhere =
        [("10.0.0.1", "a", "z1"), ("10.0.0.2", "b", "z1"), ("10.0.0.3", "c", "z2"), ("10.0.0.9", "", "")];

    [Theory]
    [InlineData(TrafficDistribution.Anywhere, "1 2 3 9")]
    [InlineData(TrafficDistribution.SameZoneFirst, "1 2")]
    [InlineData(TrafficDistribution.SameNodeFirst, "1")]
    [InlineData(TrafficDistribution.SameNodeOnly, "1")]
    public void Clients_are_sent_where_the_service_wants_them(TrafficDistribution distribution, string expected) =>
        Assert.Equal(expected, Used(View(distribution, Everywhere)));

    [Theory]
    [InlineData(TrafficDistribution.SameZoneFirst, "z7", "1 2 3 9")]
    [InlineData(TrafficDistribution.SameZoneFirst, "", "1 2 3 9")]
    [InlineData(TrafficDistribution.SameNodeFirst, "z2", "3")]
    [InlineData(TrafficDistribution.SameNodeFirst, "", "1 2 3 9")]
    [InlineData(TrafficDistribution.SameNodeOnly, "z1", "")]
    public void Who_has_none_near_is_sent_further_away_and_never_by_a_policy_that_forbids_it(TrafficDistribution distribution, string zone, string expected) =>
        Assert.Equal(expected, Used(View(distribution, Everywhere), Caller with { Node = "d", Zone = zone }));

    [Fact]
    public void When_the_near_ones_were_tried_the_next_nearest_come()
    {
        ServiceView service = ServiceIn(View(TrafficDistribution.SameNodeFirst, Everywhere));
        var chooser = new EndpointChooser(new EndpointLoads(1), 0, 1);
        var tried = new List<ReadyEndpoint>();
        while (chooser.Choose(service, Port, Caller, tried.ToArray(), out ReadyEndpoint? chosen))
            tried.Add(chosen);
        Assert.Equal(["10.0.0.1", "10.0.0.2"], tried.Take(2).Select(e => e.Address.ToString()));
        Assert.Equal(4, tried.Distinct().Count());
    }

    [Fact]
    public void Endpoints_that_come_go_and_move_are_found_in_their_new_place_only()
    {
        MeshView view = View(TrafficDistribution.SameZoneFirst, Everywhere);
        Assert.Equal("1 2 4", Used(view.Upsert(At("10.0.0.4", "b", "z1"))));
        Assert.Equal("2 3", Used(view.Upsert(At("10.0.0.3", "a", "z1"), At("10.0.0.1", "c", "z2"))));
        Assert.Equal("2", Used(view.Remove(ResourceKeys.Endpoint("shop", "api", "10.0.0.1"))));
        Assert.Equal("1", Used(view.Upsert(At("10.0.0.2", "b", "z1", ready: false))));
        Assert.Equal("3 9", Used(view.Remove([.. new[] { "10.0.0.1", "10.0.0.2" }.Select(a => ResourceKeys.Endpoint("shop", "api", a))])));
        Assert.Equal("1 2", Used(view));   // the view from before is as it was
    }

    [Fact]
    public void A_service_may_change_its_mind_and_may_come_after_its_endpoints()
    {
        MeshView view = MeshWorld.View([.. Everywhere.Select(e => At(e.Address, e.Node, e.Zone))]).Upsert(Wants(TrafficDistribution.SameNodeOnly));
        Assert.Equal("1", Used(view));
        view = view.Upsert(Wants(TrafficDistribution.Anywhere));
        Assert.Equal("1 2 3 9", Used(view));
        Assert.Equal("1 2", Used(view.Upsert(Wants(TrafficDistribution.SameZoneFirst))));
        Assert.Equal("1 2 4", Used(view.Upsert(At("10.0.0.4", "a", "z1"), Wants(TrafficDistribution.SameZoneFirst))));
        Assert.Equal("1 2 4", Used(view.Upsert(Wants(TrafficDistribution.SameZoneFirst), At("10.0.0.4", "a", "z1"))));
    }

    [Fact]
    public void There_are_others_only_where_the_service_lets_them_be_used()
    {
        Assert.True(HasOther(TrafficDistribution.SameNodeFirst, tried: 0));
        Assert.True(HasOther(TrafficDistribution.SameNodeFirst, tried: 2));
        Assert.False(HasOther(TrafficDistribution.SameNodeFirst, tried: 3));
        Assert.False(HasOther(TrafficDistribution.SameNodeOnly, tried: 0));

        static bool HasOther(TrafficDistribution distribution, int tried)
        {
            ServiceView service = ServiceIn(View(distribution, Everywhere));
            var chooser = new EndpointChooser(new EndpointLoads(1), 0, 1);
            ReadyEndpoint[] before = [];
            for (; tried > 0; tried--)
            {
                Assert.True(chooser.Choose(service, Port, Caller, before, out ReadyEndpoint? one));
                before = [.. before, one];
            }
            Assert.True(chooser.Choose(service, Port, Caller, before, out ReadyEndpoint? chosen));
            return EndpointChooser.HasOther(service, Port, Caller, before, chosen);
        }
    }

    [Fact]
    public void A_tried_endpoint_that_has_left_the_view_does_not_hide_another()
    {
        ServiceView service = ServiceIn(View(TrafficDistribution.Anywhere, Everywhere));
        var gone = new ReadyEndpoint(new Protocol.Model.Endpoint
        {
            WireKey = "endpoint/shop/api/gone", ServiceNamespace = "shop", ServiceName = "api", Address = IPAddress.Parse("10.0.0.77"),
        }, 8080);
        Assert.True(new EndpointChooser(new EndpointLoads(1), 0, 1).Choose(service, Port, Caller, [gone, gone, gone], out ReadyEndpoint? chosen));
        Assert.True(EndpointChooser.HasOther(service, Port, Caller, [gone, gone, gone], chosen));
    }

    private static string Used(MeshView view) => Used(view, Caller);

    private static string Used(MeshView view, Caller caller)
    {
        ServiceView service = ServiceIn(view);
        var chooser = new EndpointChooser(new EndpointLoads(1), 0, 3);
        var used = new SortedSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < 200 && chooser.Choose(service, Port, caller, [], out ReadyEndpoint? chosen); i++)
            used.Add(chosen.Address.ToString()[^1..]);
        return string.Join(' ', used);
    }

    private static ServiceView ServiceIn(MeshView view) => view.TryFindService("shop", "api", out ServiceView? service) ? service : throw new InvalidOperationException();

    private static MeshView View(TrafficDistribution distribution, (string Address, string Node, string Zone)[] endpoints) =>
        MeshWorld.View([Wants(distribution), .. endpoints.Select(e => At(e.Address, e.Node, e.Zone))]);

    private static Resource Wants(TrafficDistribution distribution) =>
        ResourceWriter.Write(new Service { Namespace = "shop", Name = "api", Ports = [Port], Distribution = distribution });

    private static Resource At(string address, string node, string zone, bool ready = true) => ResourceWriter.Write(new Endpoint
    {
        WireKey = ResourceKeys.Endpoint("shop", "api", address),
        ServiceNamespace = "shop",
        ServiceName = "api",
        Address = IPAddress.Parse(address),
        Ports = [new("http", 8080)],
        Ready = ready,
        Node = node,
        Zone = zone,
    });
}
