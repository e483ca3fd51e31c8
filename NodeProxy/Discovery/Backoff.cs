namespace Ambient.NodeProxy.Discovery;

/// <summary>Delays between attempts: they double from a least to a most, each is shortened at random by up to half, so that many nodes do not come back at once.</summary>
internal sealed class Backoff(TimeSpan least, TimeSpan most, Func<double> random)
{
    private int _failures;

    /// <summary>The delay before the next attempt, from <c>least</c> to <c>most</c>.</summary>
    public TimeSpan Next()
    {
        double doubled = Math.Min(most.TotalSeconds, 2 * least.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 30)));
        return TimeSpan.FromSeconds(doubled * (1 - (0.5 * random())));
    }

    /// <summary>An attempt succeeded: the next failure begins anew.</summary>
    public void Reset() => _failures = 0;
}
