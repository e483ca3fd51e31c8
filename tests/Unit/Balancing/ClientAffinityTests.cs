using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Model;
using Ambient.Tests.Unit.Discovery;

namespace Ambient.Tests.Unit.Balancing;

/// <summary><c>sessionAffinity: ClientIP</c>: a client stays with its endpoint.</summary>
public sealed class ClientAffinityTests
{
    private static readonly ServicePort Port = new("http", 80);
    private static readonly TimeSpan Stays = TimeSpan.FromSeconds(60);

    private readonly EndpointChooser _chooser = new(new EndpointLoads(1), 0, 5);
    private readonly MeshView _view = MeshWorld.View([Api(Stays), .. Enumerable.Range(1, 50).Select(i => MeshWorld.EndpointOf("api", $"10.0.0.{i}"))]);
    private long _now = TimeSpan.FromHours(1).Ticks;

    [Fact]
    public void A_client_stays_with_its_endpoint_and_another_client_has_its_own()
    {
        ReadyEndpoint mine = Choose("10.0.9.1");
        Assert.All(Enumerable.Range(0, 50), _ => Assert.Equal(mine, Choose("10.0.9.1")));
        Assert.True(Enumerable.Range(1, 100).Select(i => Choose($"10.0.8.{i}").Address).Distinct().Count() > 10);
    }

    [Fact]
    public void It_stays_that_long_from_its_last_connection_and_not_one_tick_longer()
    {
        ReadyEndpoint mine = Choose("10.0.9.1");
        for (int i = 0; i < 20; i++)
        {
            _now += Stays.Ticks - 1;
            Assert.Equal(mine, Choose("10.0.9.1"));   // each connection prolongs it
        }
        Assert.True(Redraws(Stays.Ticks) > 10);
        Assert.Equal(0, Redraws(Stays.Ticks - 1));

        int Redraws(long after)
        {
            int changed = 0;
            for (int i = 0; i < 20; i++)
            {
                ReadyEndpoint before = Choose("10.0.9.1");
                _now += after;
                changed += Choose("10.0.9.1") == before ? 0 : 1;
            }
            return changed;
        }
    }

    [Fact]
    public void It_survives_changes_of_the_view_while_its_endpoint_is_ready()
    {
        ReadyEndpoint mine = Choose("10.0.9.1");
        MeshView later = _view.Upsert([.. Enumerable.Range(60, 20).Select(i => MeshWorld.EndpointOf("api", $"10.0.0.{i}"))])
            .Remove([.. Enumerable.Range(1, 50).Select(i => $"10.0.0.{i}").Where(a => a != mine.Address.ToString()).Select(a => ResourceKeys.Endpoint("shop", "api", a))]);
        Assert.All(Enumerable.Range(0, 30), _ => Assert.Equal(mine.Key, Choose("10.0.9.1", later).Key));

        MeshView without = later.Upsert(MeshWorld.EndpointOf("api", mine.Address.ToString(), ready: false));
        ReadyEndpoint second = Choose("10.0.9.1", without);
        Assert.NotEqual(mine.Key, second.Key);
        Assert.Equal(second.Key, Choose("10.0.9.1", later).Key);   // and does not go back
    }

    [Fact]
    public void A_client_whose_endpoint_does_not_answer_stays_with_the_one_that_does()
    {
        ReadyEndpoint dead = Choose("10.0.9.1");
        Assert.True(_chooser.Choose(ServiceIn(_view), Port, CallerOf("10.0.9.1"), [dead], out ReadyEndpoint? other));
        Assert.NotEqual(dead.Key, other.Key);
        Assert.All(Enumerable.Range(0, 30), _ => Assert.Equal(other.Key, Choose("10.0.9.1").Key));
    }

    [Fact]
    public void All_ports_of_a_service_share_the_endpoint()
    {
        var service = new Service { Namespace = "shop", Name = "two", Ports = [Port, new("admin", 81)], ClientAffinity = Stays };
        MeshView view = MeshWorld.View([ResourceWriter.Write(service), .. Enumerable.Range(1, 50).Select(i => ResourceWriter.Write(new Endpoint
        {
            WireKey = ResourceKeys.Endpoint("shop", "two", $"10.0.0.{i}"), ServiceNamespace = "shop", ServiceName = "two",
            Address = IPAddress.Parse($"10.0.0.{i}"), Ports = [new("http", 8080), new("admin", 9090)], Ready = true,
        }))]);
        Assert.True(view.TryFindService("shop", "two", out ServiceView? found));
        Assert.True(_chooser.Choose(found, Port, CallerOf("10.0.9.1"), [], out ReadyEndpoint? first));
        Assert.True(_chooser.Choose(found, new("admin", 81), CallerOf("10.0.9.1"), [], out ReadyEndpoint? second));
        Assert.Equal((first.Key, 8080, 9090), (second.Key, first.Port, second.Port));
    }

    [Fact]
    public void Without_affinity_nobody_stays()
    {
        MeshView view = _view.Upsert(Api(TimeSpan.Zero));
        Assert.True(Enumerable.Range(0, 50).Select(_ => Choose("10.0.9.1", view).Address).Distinct().Count() > 5);
    }

    [Fact]
    public void The_table_is_bounded_and_forgets_who_was_away_for_longest()
    {
        var table = new ClientAffinities(capacity: 100);
        for (int i = 0; i < 1_000; i++)
        {
            table.Keep(Address(i), "shop/api", "e", Stays, _now);
            table.Keep(Address(0), "shop/api", "first", Stays, _now);   // comes again and again
        }
        Assert.Equal(100, table.Count);
        Assert.True(table.TryFind(Address(0), "shop/api", _now, out string? key));
        Assert.Equal("first", key);
        Assert.True(table.TryFind(Address(999), "shop/api", _now, out _));
        Assert.False(table.TryFind(Address(800), "shop/api", _now, out _));
        Assert.False(table.TryFind(Address(0), "shop/other", _now, out _));
    }

    [Fact]
    public void What_has_expired_leaves_the_table_as_others_come()
    {
        var table = new ClientAffinities(capacity: 100_000);
        for (int i = 0; i < 1_000; i++) table.Keep(Address(i), "shop/api", "e", Stays, _now);
        _now += Stays.Ticks;
        for (int i = 1_000; i < 1_500; i++) table.Keep(Address(i), "shop/api", "e", Stays, _now);
        Assert.Equal(500, table.Count);
    }

    [Fact]
    public void A_client_that_is_known_costs_no_allocation()
    {
        ServiceView service = ServiceIn(_view);
        Caller caller = CallerOf("10.0.9.1");
        for (int i = 0; i < 1_000; i++) _chooser.Choose(service, Port, caller, [], out _);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++) _chooser.Choose(service, Port, caller, [], out _);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static IPAddress Address(int i) => IPAddress.Parse($"10.1.{i >> 8}.{i & 255}");

    private static Protocol.Mesh.V1.Resource Api(TimeSpan stays) =>
        ResourceWriter.Write(new Service { Namespace = "shop", Name = "api", Ports = [Port], ClientAffinity = stays });

    private static ServiceView ServiceIn(MeshView view) => view.TryFindService("shop", "api", out ServiceView? service) ? service : throw new InvalidOperationException();

    private Caller CallerOf(string client) => new(IPAddress.Parse(client), AddressFamily.InterNetwork, "a", "", _now);

    private ReadyEndpoint Choose(string client, MeshView? view = null)
    {
        Assert.True(_chooser.Choose(ServiceIn(view ?? _view), Port, CallerOf(client), [], out ReadyEndpoint? chosen));
        return chosen;
    }
}
