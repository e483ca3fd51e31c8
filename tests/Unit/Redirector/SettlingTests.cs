using Ambient.Redirector.Cni;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Redirector;

public sealed class SettlingTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void A_look_comes_when_nothing_changes_any_more_and_at_the_latest_after_the_time_that_is_set()
    {
        var settling = new Settling(_time, quiet: TimeSpan.FromMilliseconds(200), atMost: TimeSpan.FromSeconds(2));
        for (int passed = 0; passed <= 1800; passed += 100)
        {
            Assert.Equal(200, settling.OnChange().TotalMilliseconds);
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }
        Assert.Equal(100, settling.OnChange().TotalMilliseconds);
        _time.Advance(TimeSpan.FromMilliseconds(150));
        Assert.Equal(0, settling.OnChange().TotalMilliseconds);   // the loop is late

        settling.OnLook();

        Assert.Equal(200, settling.OnChange().TotalMilliseconds);
    }
}
