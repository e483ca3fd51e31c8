namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// What a stream's peer may still send, and what of it was delivered but not yet credited. Credit follows delivery, so a
/// stalled reader holds its own window and nobody else's. Source: RFC 9113, section 6.9.
/// </summary>
internal struct ReceiveWindow(int initialBytes)
{
    private int _initialBytes = initialBytes;
    private int _available = initialBytes;
    private int _uncredited;

    /// <summary>The size it is kept at, in bytes.</summary>
    public int TargetBytes { get; private set; } = initialBytes;

    /// <summary>The peer has taken note of another initial window: RFC 9113, section 6.9.2. The window may become negative.</summary>
    /// <returns>By how much the target changed.</returns>
    public int ChangeInitial(int bytes)
    {
        int change = bytes - _initialBytes;
        _initialBytes = bytes;
        _available += change;
        TargetBytes += change;
        return change;
    }

    /// <summary>The peer sent this much, padding included.</summary>
    /// <returns>False when it had no right to.</returns>
    public bool TryConsume(int bytes)
    {
        if (bytes > _available) return false;
        _available -= bytes;
        return true;
    }

    /// <summary>This much reached the reader.</summary>
    /// <param name="bytes">Delivered now.</param>
    /// <param name="isDrained">Nothing more waits for the reader: it keeps up, and may have more in flight.</param>
    /// <param name="maxBytes">The largest target.</param>
    /// <param name="budget">Where growth is asked for.</param>
    /// <returns>The increment to announce, or 0 while it is too small to be worth a frame.</returns>
    public int Deliver(int bytes, bool isDrained, int maxBytes, WindowBudget budget)
    {
        _uncredited += bytes;
        if (_uncredited < Math.Max(TargetBytes / 2, 1)) return 0;
        int increment = _uncredited;
        int growth = Math.Min(TargetBytes, maxBytes - TargetBytes);
        if (isDrained && growth > 0 && budget.TryGrow(growth))
        {
            TargetBytes += growth;
            increment += growth;
        }

        _uncredited = 0;
        _available += increment;
        return increment;
    }
}
