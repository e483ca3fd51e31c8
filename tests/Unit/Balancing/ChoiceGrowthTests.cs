using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Model;
using Ambient.Tests.Unit.Discovery;

namespace Ambient.Tests.Unit.Balancing;

[Collection(nameof(MeasuredAlone))]
public sealed class ChoiceGrowthTests(ITestOutputHelper output)
{
    private static readonly Caller Client = new(IPAddress.Parse("10.255.9.1"), AddressFamily.InterNetwork, "a", "z1", 0);

    [Fact]
    public void A_choice_costs_the_same_among_few_endpoints_and_among_many()
    {
        (int, double)[] curve = [.. new[] { 10, 100, 1_000, 10_000, 100_000 }.Select(count => (count, Choice(count)))];
        output.WriteLine(Growth.Line("a choice among so many endpoints, each with a connection open", curve));
        Growth.AssertFlat(curve);
    }

    private static double Choice(int endpoints)
    {
        MeshView view = MeshWorld.View([MeshWorld.ServiceOf("api", "10.96.0.1"), .. Enumerable.Range(0, endpoints).Select(i =>
            MeshWorld.EndpointOf("api", $"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}", weight: 1 + (i % 3)))]);
        Assert.True(view.TryFindService("shop", "api", out ServiceView? service));
        ServicePort port = service.Service.Ports[0];
        var chooser = new EndpointChooser(new EndpointLoads(2), 0, 5);
        ReadyEndpointSet all = service.ReadyEndpoints(port, AddressFamily.InterNetwork);
        for (int i = 0; i < all.Count; i++)
            chooser.Started(all[i]);
        return Growth.NanosecondsOf(_ => chooser.Choose(service, port, Client, [], out ReadyEndpoint? _));
    }
}
