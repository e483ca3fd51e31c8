namespace Ambient.Controller.Streams;

/// <summary>
/// The streams that have been told something a moment ago and are to be told more: each in its own time, an interval after its last. Were all
/// told at once, the last of ten thousand would wait for the others with every change, and the processors would rest in between.
/// Any thread may call it.
/// </summary>
/// <remarks>A ring of lists, one for each tick of the longest interval. The timer runs only while one of them has somebody in it.</remarks>
internal sealed class PushTurns : IDisposable
{
    /// <summary>How exactly turns are kept.</summary>
    internal static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly Lock _lock = new();
    private readonly List<PushTurn>[] _ring = [.. Enumerable.Range(0, (int)(PushPace.Longest / Tick) + 2).Select(_ => new List<PushTurn>())];
    private readonly long _began;
    private readonly ITimer _timer;
    private long _passed;     // ticks whose turns have come
    private int _waiting;
    private bool _isDisposed;

    internal PushTurns(TimeProvider time)
    {
        Time = time;
        _began = time.GetTimestamp();
        _timer = time.CreateTimer(_ => Come(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    internal TimeProvider Time { get; }

    internal PushPace Pace { get; } = new();

    /// <summary>Has <see cref="PushTurn.Come"/> called after a while.</summary>
    /// <param name="wait">At most <see cref="PushPace.Longest"/>.</param>
    internal void Enter(PushTurn turn, TimeSpan wait)
    {
        lock (_lock)
        {
            var now = Time.GetElapsedTime(_began);
            if (_waiting++ == 0 && !_isDisposed)
            {
                _passed = now.Ticks / Tick.Ticks;
                _timer.Change(Tick, Tick);
            }
            // Not before it is over, and in no tick that has passed already. When the timer is late, the ring goes round: then it comes early.
            var due = ((now + wait).Ticks + Tick.Ticks - 1) / Tick.Ticks;
            _ring[Math.Max(due, _passed + 1) % _ring.Length].Add(turn);
        }
    }

    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        _timer.Dispose();
    }

    private void Come()
    {
        var come = new List<PushTurn>();
        lock (_lock)
        {
            for (var now = Time.GetElapsedTime(_began).Ticks / Tick.Ticks; _passed < now && _waiting > 0;)
            {
                var due = _ring[++_passed % _ring.Length];
                come.AddRange(due);
                _waiting -= due.Count;
                due.Clear();
            }
            if (_waiting == 0 && !_isDisposed)
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        foreach (var turn in come)
            turn.Come();
    }
}
