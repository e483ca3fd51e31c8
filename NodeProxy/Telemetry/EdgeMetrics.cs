namespace Ambient.NodeProxy.Telemetry;

/// <summary>
/// The counters of one edge on one loop. Only that loop writes, with whole aligned 64-bit values that any thread may read; nothing here
/// takes a lock, except that an edge which had been put away as idle reports back once. May be kept as long as one likes.
/// </summary>
public sealed class EdgeMetrics
{
    private readonly LoopMetrics _loop;
    private long _opened;
    private long _closed;
    private long _sent;
    private long _received;
    private EdgeTotals _seen;          // at the last sweep; the loop's own, like the next two
    private long _activeMinute;
    private bool _isListed = true;

    internal EdgeMetrics(LoopMetrics loop, EdgeKey key, long minute) => (_loop, Key, _activeMinute) = (loop, key, minute);

    /// <summary>Whose counters these are.</summary>
    public EdgeKey Key { get; }

    internal EdgeTotals Totals => new(Volatile.Read(ref _opened), Volatile.Read(ref _closed), Volatile.Read(ref _sent), Volatile.Read(ref _received));

    /// <summary>A connection was opened.</summary>
    public void Opened()
    {
        if (!_isListed)
        {
            _loop.ListAgain(this);
            _isListed = true;
        }
        Volatile.Write(ref _opened, _opened + 1);
    }

    /// <summary>A connection has ended.</summary>
    /// <param name="seconds">How long it was open.</param>
    public void Closed(double seconds)
    {
        Volatile.Write(ref _closed, _closed + 1);
        _loop.ObserveDuration(Key.Reporter, Key.Way, seconds);
    }

    /// <summary>Bytes went from the source to the destination.</summary>
    public void Sent(long bytes) => Volatile.Write(ref _sent, _sent + bytes);

    /// <summary>Bytes went from the destination to the source.</summary>
    public void Received(long bytes) => Volatile.Write(ref _received, _received + bytes);

    /// <summary>Nothing is open and nothing has happened for a while. On the loop.</summary>
    internal bool IsIdle(long minute, long idleMinutes)
    {
        EdgeTotals now = Totals;
        if (now != _seen || now.Open != 0)
            (_seen, _activeMinute) = (now, minute);
        return minute - _activeMinute >= idleMinutes;
    }

    /// <summary>Hands its sums over and starts from zero, no longer listed. On the loop, with readers kept out.</summary>
    internal EdgeTotals PutAway()
    {
        EdgeTotals totals = Totals;
        _opened = _closed = _sent = _received = 0;
        _seen = default;
        _isListed = false;
        return totals;
    }
}
