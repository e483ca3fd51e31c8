namespace Ambient.Redirector.Nodes;

/// <summary>Allows a burst and then a steady rate.</summary>
/// <param name="burst">How many at once.</param>
/// <param name="perSecond">How many come back each second.</param>
internal sealed class TokenBucket(double burst, double perSecond, TimeProvider time)
{
    private double _taken;
    private long _last = time.GetTimestamp();

    /// <summary>Takes that many, or none.</summary>
    public bool TryTake(double count = 1)
    {
        long now = time.GetTimestamp();
        _taken = Math.Max(0, _taken - time.GetElapsedTime(_last, now).TotalSeconds * perSecond);
        _last = now;
        if (_taken + count > burst)
            return false;
        _taken += count;
        return true;
    }
}
