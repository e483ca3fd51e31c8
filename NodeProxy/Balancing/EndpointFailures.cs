namespace Ambient.NodeProxy.Balancing;

/// <summary>
/// Endpoints that did not answer a moment ago. They have the least work of all, so the choice by work would send everybody there, and
/// everybody would wait, until the source hears of it too. One table a loop.
/// </summary>
internal sealed class EndpointFailures
{
    // A refusal costs a connection next to nothing, but three of them in a row end it; silence costs it 2 s each time.
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AfterSilence = TimeSpan.FromSeconds(5);

    // More dead endpoints than that are no longer the exception that this is for.
    private const int Most = 1_024;

    private readonly Dictionary<EndpointAddress, long> _untilTicks = [];

    /// <summary>How many are remembered.</summary>
    public int Count => _untilTicks.Count;

    /// <summary>It did not answer, or not with a yes.</summary>
    public void Add(EndpointAddress endpoint, bool wasSilent, long nowTicks)
    {
        if (_untilTicks.Count >= Most)
            ForgetExpired(nowTicks);
        if (_untilTicks.Count < Most)
            _untilTicks[endpoint] = nowTicks + (wasSilent ? AfterSilence : AfterRefusal).Ticks;
    }

    /// <summary>It has answered.</summary>
    public void Remove(EndpointAddress endpoint) => _untilTicks.Remove(endpoint);

    /// <summary>It did not answer when it was last tried, and that is not long ago.</summary>
    public bool Contains(EndpointAddress endpoint, long nowTicks)
    {
        if (_untilTicks.Count == 0 || !_untilTicks.TryGetValue(endpoint, out long untilTicks))
            return false;
        if (untilTicks > nowTicks)
            return true;
        _untilTicks.Remove(endpoint);
        return false;
    }

    private void ForgetExpired(long nowTicks)
    {
        foreach ((EndpointAddress endpoint, long untilTicks) in _untilTicks)
        {
            if (untilTicks <= nowTicks)
                _untilTicks.Remove(endpoint);   // which an enumeration of this kind of table allows
        }
    }
}
