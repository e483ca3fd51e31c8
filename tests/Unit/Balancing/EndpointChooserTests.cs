using System.Net;
using System.Net.Sockets;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Mesh.V1;
using Ambient.Tests.Unit.Discovery;
using ServicePort = Ambient.Protocol.Model.ServicePort;

namespace Ambient.Tests.Unit.Balancing;

public sealed class EndpointChooserTests
{
    private static readonly ServicePort Port = new("http", 80);
    private static readonly Caller Four = new(IPAddress.Parse("10.0.9.1"), AddressFamily.InterNetwork, "a", "z1", 0);
    private static readonly Caller Six = new(IPAddress.Parse("fd00::9:1"), AddressFamily.InterNetworkV6, "a", "z1", 0);

    [Fact]
    public void A_service_without_ready_endpoints_offers_none()
    {
        Assert.False(new EndpointChooser(new EndpointLoads(1), 0, 1).Choose(Api(), Port, Four, [], out _));
        Assert.False(new EndpointChooser(new EndpointLoads(1), 0, 1).Choose(Api(("10.0.0.1", 1)), new ServicePort("other", 81), Four, [], out _));
    }

    [Fact]
    public void The_same_seed_gives_the_same_choices()
    {
        ServiceView service = Api([.. Enumerable.Range(1, 20).Select(i => ($"10.0.0.{i}", 1))]);
        Assert.Equal(Choices(service, 7), Choices(service, 7));
        Assert.NotEqual(Choices(service, 7), Choices(service, 8));

        static string Choices(ServiceView service, ulong seed)
        {
            var chooser = new EndpointChooser(new EndpointLoads(1), 0, seed);
            return string.Join(' ', Enumerable.Range(0, 50).Select(_ => Choose(chooser, service).Address));
        }
    }

    [Fact]
    public void Work_that_stays_open_spreads_almost_evenly()
    {
        ServiceView service = Api([.. Enumerable.Range(1, 10).Select(i => ($"10.0.0.{i}", 1))]);
        var chooser = new EndpointChooser(new EndpointLoads(1), 0, 42);
        var counts = new Dictionary<string, int>();
        for (int i = 0; i < 1_000; i++)
        {
            ReadyEndpoint chosen = Choose(chooser, service);
            chooser.Started(chosen);
            counts[chosen.Address.ToString()] = counts.GetValueOrDefault(chosen.Address.ToString()) + 1;
        }
        Assert.All(counts.Values, count => Assert.InRange(count, 90, 110));   // one choice alone: about 70 to 130
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Weights_are_followed_by_idle_and_by_busy_endpoints(bool staysOpen)
    {
        ServiceView service = Api([("10.0.0.1", 3), .. Enumerable.Range(2, 5).Select(i => ($"10.0.0.{i}", 1))]);
        var chooser = new EndpointChooser(new EndpointLoads(1), 0, 42);
        int heavy = 0;
        for (int i = 0; i < 8_000; i++)
        {
            ReadyEndpoint chosen = Choose(chooser, service);
            if (staysOpen)
                chooser.Started(chosen);
            heavy += chosen.Weight == 3 ? 1 : 0;
        }
        Assert.InRange(heavy / 8_000d, 0.34, 0.41);   // 3 of 8
    }

    [Fact]
    public void Work_of_other_loops_counts()
    {
        ServiceView service = Api(("10.0.0.1", 1), ("10.0.0.2", 1));
        var loads = new EndpointLoads(2);
        var busy = new EndpointChooser(loads, 0, 1);
        ReadyEndpoint first = Choose(busy, service);
        busy.Started(first);
        var other = new EndpointChooser(loads, 1, 2);
        Assert.All(Enumerable.Range(0, 20), _ => Assert.NotEqual(first.Address, Choose(other, service).Address));
        busy.Ended(first);
        Assert.Contains(Enumerable.Range(0, 20), _ => first.Address.Equals(Choose(other, service).Address));
    }

    [Fact]
    public void The_client_s_family_is_preferred_and_the_other_one_is_better_than_none()
    {
        ServiceView service = Api(("10.0.0.1", 1), ("fd00::1", 1));
        var chooser = new EndpointChooser(new EndpointLoads(1), 0, 1);
        Assert.True(chooser.Choose(service, Port, Six, [], out ReadyEndpoint? six));
        Assert.Equal("fd00::1", six.Address.ToString());
        Assert.True(chooser.Choose(service, Port, Six, [six], out ReadyEndpoint? four));
        Assert.Equal("10.0.0.1", four.Address.ToString());
        Assert.False(chooser.Choose(service, Port, Six, [six, four], out _));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(9)]
    public void What_was_tried_is_not_tried_again_and_all_others_are(int endpoints)
    {
        ServiceView service = Api([.. Enumerable.Range(1, endpoints).Select(i => ($"10.0.0.{i}", i))]);
        for (ulong seed = 0; seed < 50; seed++)
        {
            var chooser = new EndpointChooser(new EndpointLoads(1), 0, seed);
            var tried = new List<ReadyEndpoint>();
            for (int i = 0; i < endpoints; i++)
            {
                Assert.True(chooser.Choose(service, Port, Four, tried.ToArray(), out ReadyEndpoint? chosen));
                Assert.DoesNotContain(chosen, tried);
                tried.Add(chosen);
            }
            Assert.False(chooser.Choose(service, Port, Four, tried.ToArray(), out _));
        }
    }

    [Fact]
    public void Ended_work_that_never_started_is_a_bug_and_says_so()
    {
        var chooser = new EndpointChooser(new EndpointLoads(1), 0, 1);
        ReadyEndpoint endpoint = Choose(chooser, Api(("10.0.0.1", 1)));
        chooser.Started(endpoint);
        chooser.Ended(endpoint);
        Assert.Throws<InvalidOperationException>(() => chooser.Ended(endpoint));
    }

    [Fact]
    public void Endpoints_without_work_leave_the_table_and_those_with_work_stay()
    {
        var loads = new EndpointLoads(1);
        var chooser = new EndpointChooser(loads, 0, 1);
        ReadyEndpoint kept = Choose(chooser, Api(("192.0.2.1", 1)));
        chooser.Started(kept);
        for (int i = 0; i < 5_000; i++)
        {
            ReadyEndpoint passing = Choose(chooser, Api(($"10.0.{i >> 8}.{i & 255}", 1)));
            chooser.Started(passing);
            chooser.Ended(passing);
        }
        Assert.InRange(loads.Count, 1, 1_100);
        loads.Sweep();
        Assert.Equal(1, loads.Count);
        chooser.Ended(kept);
        loads.Sweep();
        Assert.Equal(0, loads.Count);
    }

    [Fact]
    public async Task Loops_that_start_and_end_while_others_sweep_leave_no_work_behind()
    {
        const int Loops = 4;
        var loads = new EndpointLoads(Loops);
        ServiceView service = Api([.. Enumerable.Range(1, 5).Select(i => ($"10.0.0.{i}", 1))]);
        using var stop = new CancellationTokenSource();
        Task sweeping = Task.Factory.StartNew(
            () =>
            {
                while (!stop.IsCancellationRequested)
                    loads.Sweep();
            },
            TaskCreationOptions.LongRunning);
        await Task.WhenAll(Enumerable.Range(0, Loops).Select(loop => Task.Factory.StartNew(
            () =>
            {
                var chooser = new EndpointChooser(loads, loop, (ulong)loop);
                for (int i = 0; i < 20_000; i++)
                {
                    ReadyEndpoint chosen = Choose(chooser, service);
                    chooser.Started(chosen);
                    Assert.True(loads.TryFind(new EndpointAddress(chosen.Address, chosen.Port), out EndpointLoad? load) && load.OfLoop(loop) > 0);
                    chooser.Ended(chosen);
                }
            },
            TaskCreationOptions.LongRunning)));
        await stop.CancelAsync();
        await sweeping;
        loads.Sweep();
        Assert.Equal(0, loads.Count);
    }

    private static ReadyEndpoint Choose(EndpointChooser chooser, ServiceView service)
    {
        Assert.True(chooser.Choose(service, Port, Four, [], out ReadyEndpoint? chosen));
        return chosen;
    }

    private static ServiceView Api(params (string Address, int Weight)[] endpoints)
    {
        Resource[] all = [MeshWorld.ServiceOf("api", "10.96.0.1"), .. endpoints.Select(e => MeshWorld.EndpointOf("api", e.Address, weight: e.Weight))];
        Assert.True(MeshWorld.View(all).TryFindService("shop", "api", out ServiceView? service));
        return service;
    }
}
