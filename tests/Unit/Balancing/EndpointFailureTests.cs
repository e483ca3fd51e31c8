using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Model;
using Ambient.Tests.Unit.Discovery;

namespace Ambient.Tests.Unit.Balancing;

/// <summary>An endpoint that did not answer is left alone for a while.</summary>
public sealed class EndpointFailureTests
{
    private static readonly ServicePort Port = new("http", 80);
    private static readonly TimeSpan Lasts = TimeSpan.FromSeconds(5);

    private readonly EndpointChooser _chooser = new(new EndpointLoads(1), 0, 5);
    private long _now = TimeSpan.FromHours(1).Ticks;

    [Theory]
    [InlineData(true, 5)]
    [InlineData(false, 1)]
    public void It_is_not_chosen_for_some_seconds_and_then_again(bool wasSilent, int seconds)
    {
        ServiceView service = Api(3);
        ReadyEndpoint dead = Choose(service)!;
        _chooser.Failed(dead, wasSilent, _now);
        Assert.DoesNotContain(dead, Used(service));
        _now += TimeSpan.FromSeconds(seconds).Ticks - 1;
        Assert.DoesNotContain(dead, Used(service));
        _now += 1;
        Assert.Contains(dead, Used(service));
    }

    [Fact]
    public void It_is_chosen_at_once_when_it_has_answered()
    {
        ServiceView service = Api(3);
        ReadyEndpoint dead = Choose(service)!;
        _chooser.Failed(dead, wasSilent: true, _now);
        _chooser.Answered(dead);
        Assert.Contains(dead, Used(service));
    }

    [Fact]
    public void Where_nothing_else_is_left_it_is_better_than_none()
    {
        ServiceView service = Api(2);
        foreach (ReadyEndpoint endpoint in Used(service)) _chooser.Failed(endpoint, wasSilent: true, _now);
        Assert.Equal(2, Used(service).Count);
        ReadyEndpoint tried = Choose(service)!;
        Assert.True(_chooser.Choose(service, Port, Caller(), [tried], out ReadyEndpoint? other));
        Assert.NotEqual(tried, other);
    }

    [Fact]
    public void The_one_that_is_well_among_many_that_are_not_is_found()
    {
        ServiceView service = Api(200);
        ReadyEndpoint well = Choose(service)!;
        foreach (ReadyEndpoint endpoint in service.ReadyEndpoints(Port).Where(e => e != well)) _chooser.Failed(endpoint, wasSilent: true, _now);
        Assert.Equal([well], Used(service));
    }

    [Fact]
    public void A_client_with_affinity_leaves_it_for_good()
    {
        ServiceView service = Api(5, TimeSpan.FromMinutes(1));
        ReadyEndpoint dead = Choose(service)!;
        _chooser.Failed(dead, wasSilent: true, _now);
        ReadyEndpoint other = Choose(service)!;
        Assert.NotEqual(dead, other);
        _now += Lasts.Ticks;
        Assert.Equal([other], Used(service));
    }

    [Fact]
    public void The_table_is_bounded_and_lets_the_expired_go()
    {
        var failures = new EndpointFailures();
        for (int i = 0; i < 5_000; i++) failures.Add(At(i), wasSilent: true, _now);
        Assert.Equal(1_024, failures.Count);
        _now += Lasts.Ticks;
        for (int i = 5_000; i < 5_100; i++) failures.Add(At(i), wasSilent: true, _now);
        Assert.Equal(100, failures.Count);
        Assert.True(failures.Contains(At(5_050), _now));
        Assert.False(failures.Contains(At(1_000), _now));

        static EndpointAddress At(int i) => new(IPAddress.Parse($"10.1.{i >> 8}.{i & 255}"), 80);
    }

    private static ServiceView Api(int endpoints, TimeSpan affinity = default)
    {
        MeshView view = MeshWorld.View([
            ResourceWriter.Write(new Service { Namespace = "shop", Name = "api", Ports = [Port], ClientAffinity = affinity }),
            .. Enumerable.Range(1, endpoints).Select(i => MeshWorld.EndpointOf("api", $"10.0.0.{i}"))]);
        return view.TryFindService("shop", "api", out ServiceView? service) ? service : throw new InvalidOperationException();
    }

    private Caller Caller() => new(IPAddress.Parse("10.0.9.1"), AddressFamily.InterNetwork, "a", "", _now);

    private ReadyEndpoint? Choose(ServiceView service) => _chooser.Choose(service, Port, Caller(), [], out ReadyEndpoint? chosen) ? chosen : null;

    private HashSet<ReadyEndpoint> Used(ServiceView service) => [.. Enumerable.Range(0, 100).Select(_ => Choose(service)!)];
}
