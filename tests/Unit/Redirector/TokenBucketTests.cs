using Ambient.Redirector.Nodes;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Redirector;

public sealed class TokenBucketTests
{
    [Fact]
    public void A_burst_is_allowed_and_then_the_rate()
    {
        var time = new FakeTimeProvider();
        var bucket = new TokenBucket(burst: 10, perSecond: 5, time);
        Assert.True(bucket.TryTake(10));
        Assert.False(bucket.TryTake());
        time.Advance(TimeSpan.FromMilliseconds(199));
        Assert.False(bucket.TryTake());
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(bucket.TryTake());
        Assert.False(bucket.TryTake());
        time.Advance(TimeSpan.FromHours(1));
        Assert.False(bucket.TryTake(11));
        Assert.True(bucket.TryTake(10));
    }
}
