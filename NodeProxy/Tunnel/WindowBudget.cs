namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// Caps the sum of windows granted to the streams of one pod on one loop: what its peers may make us hold if its readers stall.
/// The more streams there are, the smaller each starts; only when even the smallest windows use it up are new streams refused.
/// </summary>
/// <param name="limitBytes">The cap, in bytes.</param>
internal sealed class WindowBudget(long limitBytes)
{
    private const int SmallestWindowBytes = 4 * 1024;

    /// <summary>The cap, in bytes.</summary>
    public long LimitBytes { get; } = limitBytes;

    /// <summary>Windows granted now, in bytes.</summary>
    public long GrantedBytes { get; private set; }

    /// <summary>Streams that hold a window.</summary>
    public int Streams { get; private set; }

    /// <summary>The pod has all it may have: no new stream.</summary>
    public bool IsExhausted => GrantedBytes >= LimitBytes;

    /// <summary>
    /// The window that streams start with at the present number of them: the first windows of all together stay within half of
    /// the budget. Steps of four, so that a link does not announce a change with every stream.
    /// </summary>
    public int InitialWindowBytes(int largest)
    {
        int window = largest;
        while (window > SmallestWindowBytes && (long)window * Streams > LimitBytes / 2) window /= 4;
        return Math.Max(window, Math.Min(SmallestWindowBytes, largest));
    }

    /// <summary>Half of the budget is for growth; a stream that only grows must not keep new ones out.</summary>
    public bool TryGrow(int bytes)
    {
        if (GrantedBytes + bytes > LimitBytes / 2) return false;
        GrantedBytes += bytes;
        return true;
    }

    /// <summary>A stream starts with this window. Whoever accepts streams asks <see cref="IsExhausted"/> before.</summary>
    public void Start(int bytes)
    {
        GrantedBytes += bytes;
        Streams++;
    }

    /// <summary>A stream's window is gone with the stream.</summary>
    public void End(int bytes)
    {
        GrantedBytes -= bytes;
        Streams--;
    }

    /// <summary>A stream's window was changed by SETTINGS.</summary>
    public void Adjust(int bytes) => GrantedBytes += bytes;
}
