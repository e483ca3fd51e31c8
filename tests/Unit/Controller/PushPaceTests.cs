using Ambient.Controller.Streams;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Changes are gathered while nodes are busy with the last ones, half a second at most, and never held back when they are not.</summary>
public sealed class PushPaceTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly PushPace _pace;
    private ulong _version;

    public PushPaceTests() => _pace = new PushPace(_time);

    [Fact]
    public void The_pace_grows_with_the_lag_of_most_nodes_and_shrinks_with_it()
    {
        Publish(nodes: 1000, lag: _ => 200);
        Assert.InRange(_pace.Interval.TotalMilliseconds, 150, 200);
        for (var i = 0; i < 3; i++)
            Publish(nodes: 1000, lag: _ => 5);
        Assert.InRange(_pace.Interval.TotalMilliseconds, 4, 10);
    }

    [Fact]
    public void Changes_are_held_back_half_a_second_at_most()
    {
        for (var i = 0; i < 5; i++)
            Publish(nodes: 1000, lag: _ => 3000);
        Assert.Equal(PushPace.Longest, _pace.Interval);
    }

    [Fact]
    public void A_few_slow_nodes_hold_nobody_up()
    {
        for (var i = 0; i < 50; i++)
            Publish(nodes: 100, lag: node => node < 10 ? 5000 : 10);
        Assert.InRange(_pace.Interval.TotalMilliseconds, 1, 20);
    }

    [Fact]
    public void An_ack_of_a_version_that_is_long_past_took_long()
    {
        Publish(nodes: 1, lag: _ => 1);
        var old = _version;
        for (var i = 0; i < 200; i++)
            _pace.Published(++_version);
        for (var i = 0; i < 2000; i++)
            _pace.Acked(old);
        Assert.Equal(PushPace.Longest, _pace.Interval);
    }

    [Fact]
    public void A_change_that_comes_alone_waits_for_nothing_and_one_of_many_for_the_nodes()
    {
        Publish(nodes: 2000, lag: _ => 300);
        var passes = new List<DateTimeOffset>();
        PassSchedule schedule = null!;
        schedule = new PassSchedule(_time, _pace, () => schedule.Run(() => passes.Add(_time.GetUtcNow())));
        var began = _time.GetUtcNow();

        _time.Advance(TimeSpan.FromSeconds(5));
        schedule.Soon();
        for (var i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(5));
            schedule.Soon();
        }
        schedule.Dispose();

        Assert.Equal(PassSchedule.CoalesceTime, passes[0] - began - TimeSpan.FromSeconds(5));
        Assert.Equal(2, passes.Count);
        Assert.InRange((passes[1] - passes[0]).TotalMilliseconds, 225, 305);
    }

    private void Publish(int nodes, Func<int, int> lag)
    {
        _pace.Published(++_version);
        var passed = 0;
        foreach (var ms in Enumerable.Range(0, nodes).Select(lag).Order())
        {
            _time.Advance(TimeSpan.FromMilliseconds(ms - passed));
            passed = ms;
            _pace.Acked(_version);
        }
    }
}
