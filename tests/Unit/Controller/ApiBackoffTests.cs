using Ambient.Controller.Kubernetes.Following;

namespace Ambient.Tests.Unit.Controller;

public sealed class ApiBackoffTests
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(200), Longest = TimeSpan.FromSeconds(10);

    [Fact]
    public void Each_wait_is_half_to_all_of_a_time_that_doubles_up_to_the_longest_and_begins_anew_after_success()
    {
        var backoff = new Backoff(First, Longest, new Random(1));
        double[] whole = [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000];
        Assert.All(whole, most => Assert.InRange(backoff.Next().TotalMilliseconds, most / 2, most));
        backoff.Reset();
        Assert.All(whole, most => Assert.InRange(backoff.Next().TotalMilliseconds, most / 2, most));
    }

    [Fact]
    public void The_waits_of_many_who_fail_together_lie_apart()
    {
        var random = new Random(1);
        var waits = Enumerable.Range(0, 1_000).Select(_ => new Backoff(First, Longest, random).Next().TotalMilliseconds).Order().ToList();
        // All over the half, and no fifth of it with more than a third of them.
        Assert.InRange(waits[0], 100, 102);
        Assert.InRange(waits[^1], 198, 200);
        Assert.All(Enumerable.Range(0, 5), part => Assert.InRange(waits.Count(wait => wait >= 100 + (20 * part) && wait < 120 + (20 * part)), 100, 333));
    }
}
