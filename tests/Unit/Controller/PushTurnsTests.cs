using Ambient.Controller.Streams;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Each stream is told of changes in its own time: at once after a rest, and else an interval after the last time.</summary>
public sealed class PushTurnsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly PushTurns _turns;

    public PushTurnsTests() => _turns = new PushTurns(_time);

    [Fact]
    public void A_stream_that_was_told_nothing_yet_is_woken_at_once()
    {
        SetInterval(300);
        var stream = new Stream(_turns);

        stream.Turn.Ask();

        Assert.Equal(1, stream.Wakes);
    }

    [Fact]
    public void A_stream_that_was_told_a_moment_ago_is_woken_when_the_interval_is_over()
    {
        var interval = SetInterval(300);
        var stream = new Stream(_turns);
        stream.Take();
        _time.Advance(TimeSpan.FromMilliseconds(50));
        stream.Turn.Ask();

        _time.Advance(interval - TimeSpan.FromMilliseconds(51));
        Assert.Equal(0, stream.Wakes);
        _time.Advance(TimeSpan.FromMilliseconds(1) + PushTurns.Tick);
        Assert.Equal(1, stream.Wakes);
    }

    [Fact]
    public void A_stream_that_was_told_long_ago_is_woken_at_once_and_once_until_it_looks()
    {
        var interval = SetInterval(300);
        var stream = new Stream(_turns);
        stream.Take();
        _time.Advance(interval);

        for (var i = 0; i < 10; i++)
            stream.Turn.Ask();
        Assert.Equal(1, stream.Wakes);

        stream.Take();
        for (var i = 0; i < 10; i++)
            stream.Turn.Ask();
        _time.Advance(interval + PushTurns.Tick);
        Assert.Equal(2, stream.Wakes);
    }

    [Fact]
    public void Streams_that_were_told_one_after_the_other_stay_apart()
    {
        var interval = SetInterval(500);
        var streams = Enumerable.Range(0, 400).Select(_ => new Stream(_turns)).ToList();
        var told = new List<DateTimeOffset>();
        foreach (var stream in streams)
        {
            stream.Take();
            told.Add(_time.GetUtcNow());
            stream.Turn.Ask();
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        for (var i = 0; i < 600; i++)
            _time.Advance(TimeSpan.FromMilliseconds(1));

        foreach (var (stream, at) in streams.Zip(told))
            Assert.InRange(Assert.Single(stream.WokenAt) - at, interval, interval + PushTurns.Tick + TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void A_timer_that_is_late_by_seconds_leaves_nobody_waiting()
    {
        SetInterval(500);
        var streams = Enumerable.Range(0, 100).Select(_ => new Stream(_turns)).ToList();
        for (var round = 1; round <= 3; round++)
        {
            foreach (var stream in streams)
            {
                stream.Take();
                stream.Turn.Ask();
                _time.Advance(TimeSpan.FromMilliseconds(3));
            }
            _time.Advance(TimeSpan.FromSeconds(7));
            Assert.All(streams, stream => Assert.Equal(round, stream.Wakes));
        }
    }

    public void Dispose() => _turns.Dispose();

    private TimeSpan SetInterval(int ms)
    {
        for (var i = 0; i < 2000; i++)
            _turns.Pace.Acked(TimeSpan.FromMilliseconds(ms / 2.0));
        Assert.InRange(_turns.Pace.Interval.TotalMilliseconds, ms * 0.9, ms);
        return _turns.Pace.Interval;
    }

    private sealed class Stream
    {
        private readonly PushTurns _turns;

        internal Stream(PushTurns turns)
        {
            _turns = turns;
            Turn = new PushTurn(turns, () => WokenAt.Add(_turns.Time.GetUtcNow()));
        }

        internal PushTurn Turn { get; }

        internal List<DateTimeOffset> WokenAt { get; } = [];

        internal int Wakes => WokenAt.Count;

        // What a stream does when it is woken and there is something to be told.
        internal void Take()
        {
            Turn.Begin();
            Turn.Told();
        }
    }
}
