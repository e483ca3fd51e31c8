namespace Ambient.Controller.Authority;

/// <summary>A bucket of allowances that refills with time. Any thread may take.</summary>
/// <param name="burst">Allowances of a full bucket.</param>
/// <param name="perSecond">Allowances that come back in a second.</param>
internal sealed class RateLimit(int burst, int perSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _tokens = burst;
    private long _last = time.GetTimestamp();

    internal bool TryTake()
    {
        lock (_lock)
        {
            var now = time.GetTimestamp();
            _tokens = Math.Min(burst, _tokens + (time.GetElapsedTime(_last, now).TotalSeconds * perSecond));
            _last = now;
            if (_tokens < 1)
                return false;
            _tokens--;
            return true;
        }
    }
}
