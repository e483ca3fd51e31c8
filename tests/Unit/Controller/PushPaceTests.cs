using Ambient.Controller.Streams;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Changes are gathered while nodes are busy with the last ones, half a second at most, and never held back when they are not.</summary>
public sealed class PushPaceTests
{
    private readonly PushPace _pace = new();

    [Fact]
    public void A_node_is_told_again_after_twice_the_time_that_most_take_to_answer()
    {
        Ack(nodes: 1000, lag: _ => 200);
        Assert.InRange(_pace.Interval.TotalMilliseconds, 300, 400);
        for (var i = 0; i < 3; i++)
            Ack(nodes: 1000, lag: _ => 5);
        Assert.InRange(_pace.Interval.TotalMilliseconds, 8, 20);
    }

    [Fact]
    public void Changes_are_held_back_half_a_second_at_most()
    {
        for (var i = 0; i < 5; i++)
            Ack(nodes: 1000, lag: _ => 3000);
        Assert.Equal(PushPace.Longest, _pace.Interval);
    }

    [Fact]
    public void A_few_slow_nodes_hold_nobody_up()
    {
        for (var i = 0; i < 50; i++)
            Ack(nodes: 100, lag: node => node < 10 ? 5000 : 10);
        Assert.InRange(_pace.Interval.TotalMilliseconds, 2, 40);
    }

    [Fact]
    public void A_version_for_a_change_that_comes_alone_waits_for_nothing_and_for_one_of_many_a_few_moments()
    {
        Ack(nodes: 2000, lag: _ => 400);
        var time = new FakeTimeProvider();
        var passes = new List<DateTimeOffset>();
        PassSchedule schedule = null!;
        schedule = new PassSchedule(time, _pace, () => schedule.Run(() => passes.Add(time.GetUtcNow())));
        var began = time.GetUtcNow();

        time.Advance(TimeSpan.FromSeconds(5));
        schedule.Soon();
        for (var i = 0; i < 100; i++)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            schedule.Soon();
        }
        schedule.Dispose();

        Assert.Equal(PassSchedule.CoalesceTime, passes[0] - began - TimeSpan.FromSeconds(5));
        Assert.Equal(3, passes.Count);
        Assert.InRange((passes[1] - passes[0]).TotalMilliseconds, 31, 33);
    }

    private void Ack(int nodes, Func<int, int> lag)
    {
        foreach (var ms in Enumerable.Range(0, nodes).Select(lag).Order())
            _pace.Acked(TimeSpan.FromMilliseconds(ms));
    }
}
