using System.Buffers;
using System.Text;
using Ambient.NodeProxy.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Telemetry;

public sealed class DataPathMetricsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Loops_are_merged_at_a_scrape()
    {
        var metrics = new DataPathMetrics(2, _time);
        for (int loop = 0; loop < 2; loop++)
        {
            EdgeMetrics edge = metrics.ForLoop(loop).Edge(Edge("api"));
            edge.Opened();
            edge.Sent(100);
            edge.Received(10);
            metrics.ForLoop(loop).Refused(RefusalReason.Denied, Reporter.Destination);
            metrics.ForLoop(loop).Handshake(0.002, resumed: true, client: true);
        }
        metrics.ForLoop(1).Edge(Edge("api")).Closed(0.2);
        Dictionary<string, double> samples = Scrape(metrics);
        Assert.Equal(2, Of(samples, "ambient_connections_opened_total", "api"));
        Assert.Equal(1, Of(samples, "ambient_connections_closed_total", "api"));
        Assert.Equal(1, Of(samples, "ambient_connections_open", "api"));
        Assert.Equal(200, Of(samples, "ambient_sent_bytes_total", "api"));
        Assert.Equal(20, Of(samples, "ambient_received_bytes_total", "api"));
        Assert.Equal(2, samples["""ambient_refusals_total{reporter="destination",reason="denied"}"""]);
        Assert.Equal(0, samples["""ambient_refusals_total{reporter="source",reason="denied"}"""]);
        Assert.Equal(1, samples["""ambient_connection_duration_seconds_count{reporter="source",way="tunnel"}"""]);
        Assert.Equal(0.004, samples["""ambient_tls_handshake_duration_seconds_sum{side="client",resumed="true"}"""]);
        Assert.Equal(1, metrics.OpenConnections(Reporter.Source));
    }

    [Fact]
    public void An_edge_without_traffic_is_shown_for_ten_minutes_and_not_a_tick_longer()
    {
        var metrics = new DataPathMetrics(1, _time);
        Once(metrics.ForLoop(0), "api");
        Assert.Single(metrics.MergedEdges());
        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        Assert.Single(metrics.MergedEdges());
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Empty(metrics.MergedEdges());
    }

    [Fact]
    public void An_edge_with_an_open_connection_never_expires()
    {
        var metrics = new DataPathMetrics(1, _time);
        metrics.ForLoop(0).Edge(Edge("api")).Opened();
        for (int i = 0; i < 30; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            metrics.ForLoop(0).Edge(Edge("other"));
            Assert.Contains(metrics.MergedEdges(), e => e.Key.DestinationWorkload == "api");
        }
    }

    [Fact]
    public void A_counter_never_falls_while_one_loop_puts_its_part_away_and_another_goes_on()
    {
        var metrics = new DataPathMetrics(2, _time);
        for (int i = 0; i < 5; i++)
            Once(metrics.ForLoop(0), "api");
        long last = 0;
        for (int minute = 0; minute < 40; minute++)
        {
            Once(metrics.ForLoop(1), "api");
            Once(metrics.ForLoop(0), "another");   // loop 0 lives, so it puts idle edges away
            long opened = metrics.MergedEdges().Single(e => e.Key.DestinationWorkload == "api").Value.Opened;
            Assert.Equal(5 + minute + 1, opened);
            Assert.True(opened > last);
            last = opened;
            _time.Advance(TimeSpan.FromMinutes(1));
        }
    }

    [Fact]
    public void Counters_kept_over_a_long_pause_count_on_when_traffic_returns()
    {
        var metrics = new DataPathMetrics(1, _time);
        EdgeMetrics kept = metrics.ForLoop(0).Edge(Edge("api"));
        kept.Opened();
        kept.Closed(1);
        metrics.MergedEdges();
        _time.Advance(TimeSpan.FromMinutes(11));
        Once(metrics.ForLoop(0), "another");
        Assert.DoesNotContain(metrics.MergedEdges(), e => e.Key.DestinationWorkload == "api");
        kept.Opened();
        Assert.Equal(1, metrics.MergedEdges().Single(e => e.Key.DestinationWorkload == "api").Value.Open);
        Assert.Same(kept, metrics.ForLoop(0).Edge(Edge("api")));
    }

    [Fact]
    public void Edges_beyond_the_limit_are_counted_as_other_and_make_room_when_idle()
    {
        var metrics = new DataPathMetrics(1, _time);
        LoopMetrics loop = metrics.ForLoop(0);
        for (int i = 0; i < LoopMetrics.MostEdges + 500; i++)
            Once(loop, $"w{i}");
        List<KeyValuePair<EdgeKey, EdgeTotals>> edges = metrics.MergedEdges();
        Assert.Equal(LoopMetrics.MostEdges + 1, edges.Count);
        Assert.Equal(500, edges.Single(e => e.Key.DestinationWorkload == "other").Value.Opened);
        for (int minute = 0; minute < 12; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Once(loop, "w0");   // the loop lives, and puts the idle ones away in passing
        }
        Once(loop, "w-late");
        Assert.Contains(metrics.MergedEdges(), e => e.Key.DestinationWorkload == "w-late");
        Assert.Equal(2, metrics.MergedEdges().Count);
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        LoopMetrics loop = new DataPathMetrics(1, _time).ForLoop(0);
        EdgeKey key = Edge("api");
        for (int round = 0; round < 2; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 1_000; i++)
            {
                EdgeMetrics edge = loop.Edge(key);
                edge.Opened();
                edge.Sent(1);
                edge.Closed(0.1);
                loop.Refused(RefusalReason.Denied, Reporter.Source);
                loop.Handshake(0.001, false, true);
            }
            if (round == 1)
                Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        }
    }

    [Fact]
    public async Task A_scrape_beside_a_counting_loop_sees_counters_that_only_rise_and_all_of_it_in_the_end()
    {
        const int Connections = 200_000;
        var metrics = new DataPathMetrics(1, TimeProvider.System);
        Task counting = Task.Factory.StartNew(
            () =>
            {
                for (int i = 0; i < Connections; i++)
                {
                    EdgeMetrics edge = metrics.ForLoop(0).Edge(Edge($"w{i & 63}"));
                    edge.Opened();
                    edge.Sent(3);
                    edge.Closed(0);
                }
            },
            TaskCreationOptions.LongRunning);
        long last = 0;
        while (!counting.IsCompleted)
        {
            long opened = metrics.MergedEdges().Sum(e => e.Value.Opened);
            Assert.True(opened >= last);
            last = opened;
        }
        await counting;
        Assert.Equal(Connections, metrics.MergedEdges().Sum(e => e.Value.Opened));
        Assert.Equal(3L * Connections, metrics.MergedEdges().Sum(e => e.Value.Sent));
    }

    [Fact]
    public void Label_values_of_any_kind_leave_the_answer_readable()
    {
        var metrics = new DataPathMetrics(1, _time);
        Once(metrics.ForLoop(0), "a\"b\\c\nd");
        string text = Text(metrics);
        Assert.Contains("""destination_workload="a\"b\\c\nd" """.TrimEnd(), text);
        ExpositionCheck.Read(text);
    }

    internal static EdgeKey Edge(string destination) => new(
        Reporter.Source, "web", "shop", "spiffe://cluster.local/ns/shop/sa/web", destination, "shop", $"spiffe://cluster.local/ns/shop/sa/{destination}",
        "shop/api", Way.Tunnel, Protection.MutualTls);

    private static string Text(DataPathMetrics metrics)
    {
        var buffer = new ArrayBufferWriter<byte>();
        metrics.WriteExposition(buffer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static void Once(LoopMetrics loop, string destination)
    {
        EdgeMetrics edge = loop.Edge(Edge(destination));
        edge.Opened();
        edge.Closed(0.1);
    }

    private static Dictionary<string, double> Scrape(DataPathMetrics metrics) => ExpositionCheck.Read(Text(metrics));

    private static double Of(Dictionary<string, double> samples, string name, string destination) =>
        samples.Single(s => s.Key.StartsWith(name + "{", StringComparison.Ordinal) && s.Key.Contains($"destination_workload=\"{destination}\"", StringComparison.Ordinal)).Value;
}
