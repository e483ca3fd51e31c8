using Ambient.NodeProxy.Engine;

namespace Ambient.Tests.Unit.Engine;

public sealed class LoopTimersTests
{
    private const long Millisecond = TimeSpan.TicksPerMillisecond;

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(999)]
    [InlineData(8_191)]
    [InlineData(8_192)]
    [InlineData(30_000)]
    public void A_timer_never_fires_early_and_fires_within_two_slots_after_its_time(int delayMilliseconds)
    {
        var timers = new LoopTimers();
        timers.FireDue(5 * Millisecond);
        long due = (5 + delayMilliseconds) * Millisecond;
        long? firedAt = null;
        long now = 5 * Millisecond;
        timers.Arm(new LoopTimer(() => firedAt = now), due);
        for (; firedAt is null; now += Millisecond) timers.FireDue(now);
        Assert.InRange(firedAt.Value, due, due + (17 * Millisecond));
        Assert.Equal(0, timers.Count);
    }

    [Fact]
    public void A_timer_that_was_cancelled_does_not_fire()
    {
        var timers = new LoopTimers();
        bool fired = false;
        var timer = new LoopTimer(() => fired = true);
        timers.Arm(timer, 10 * Millisecond);
        timers.Cancel(timer);
        timers.FireDue(1000 * Millisecond);
        Assert.False(fired);
        Assert.Equal(-1, timers.SleepMilliseconds(0));
    }

    [Fact]
    public void A_timer_that_is_armed_again_moves()
    {
        var timers = new LoopTimers();
        int fired = 0;
        var timer = new LoopTimer(() => fired++);
        timers.Arm(timer, 10 * Millisecond);
        timers.Arm(timer, 500 * Millisecond);
        timers.FireDue(400 * Millisecond);
        Assert.Equal(0, fired);
        timers.FireDue(600 * Millisecond);
        Assert.Equal(1, fired);
    }

    [Fact]
    public void A_timer_may_arm_and_cancel_others_while_it_fires()
    {
        var timers = new LoopTimers();
        int second = 0;
        var other = new LoopTimer(() => second++);
        var victim = new LoopTimer(() => throw new InvalidOperationException("was cancelled"));
        timers.Arm(victim, 10 * Millisecond);
        timers.Arm(new LoopTimer(() =>
        {
            timers.Cancel(victim);
            timers.Arm(other, 100 * Millisecond);
        }), 10 * Millisecond); // same slot, fires first because it stands first
        timers.FireDue(20 * Millisecond);
        timers.FireDue(200 * Millisecond);
        Assert.Equal(1, second);
    }

    [Fact]
    public void Sleeping_as_long_as_asked_fires_every_one_of_a_thousand_random_timers_in_time()
    {
        const int Seed = 20261124;
        var random = new Random(Seed);
        var timers = new LoopTimers();
        long now = 0;
        int late = 0, fired = 0;
        for (int i = 0; i < 1000; i++)
        {
            long due = random.Next(1, 60_000) * Millisecond;
            timers.Arm(
                new LoopTimer(() =>
                {
                    fired++;
                    if (now < due || now > due + (20 * Millisecond)) late++;
                }), due);
        }

        while (timers.Count > 0)
        {
            int sleep = timers.SleepMilliseconds(now);
            Assert.InRange(sleep, 1, 10_000);
            now += sleep * Millisecond;
            timers.FireDue(now);
        }

        Assert.Equal((1000, 0), (fired, late));
    }
}
