namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// Caps the sum of windows granted to the streams of one pod on one loop: what its peers may make us hold if its readers stall.
/// </summary>
/// <param name="limitBytes">The cap, in bytes.</param>
internal sealed class WindowBudget(long limitBytes)
{
    /// <summary>Windows granted now, in bytes.</summary>
    public long GrantedBytes { get; private set; }

    /// <summary>The cap, in bytes.</summary>
    public long LimitBytes { get; } = limitBytes;

    /// <summary>Half of the budget is for growth; a stream that only grows must not keep new ones out.</summary>
    public bool TryGrow(int bytes)
    {
        if (GrantedBytes + bytes > LimitBytes / 2) return false;
        GrantedBytes += bytes;
        return true;
    }

    /// <summary>The window of a new stream. Whoever accepts streams asks <see cref="IsExhausted"/> before.</summary>
    public void Start(int bytes) => GrantedBytes += bytes;

    /// <summary>The pod has all it may have: no new stream.</summary>
    public bool IsExhausted => GrantedBytes >= LimitBytes;

    /// <summary>A stream's window is gone with the stream.</summary>
    public void Return(int bytes) => GrantedBytes -= bytes;
}
