using Ambient.NodeProxy.Discovery;

namespace Ambient.Tests.Unit.Discovery;

public sealed class BackoffTests
{
    [Fact]
    public void Delays_double_from_the_least_to_the_most_and_begin_anew_after_success()
    {
        double random = 0;
        var backoff = new Backoff(TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(5), () => random);
        Assert.Equal([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000], Enumerable.Range(0, 8).Select(_ => backoff.Next().TotalMilliseconds));
        backoff.Reset();
        random = 1;
        Assert.Equal([50, 100, 200, 400, 800, 1_600, 2_500, 2_500], Enumerable.Range(0, 8).Select(_ => backoff.Next().TotalMilliseconds));
    }
}
