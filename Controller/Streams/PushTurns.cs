namespace Ambient.Controller.Streams;

/// <summary>
/// Whose turn it is to be told of changes. Each stream comes in its own time, an interval after its last: were all told at once, the last of ten
/// thousand would wait for the others with every change, and the processors would rest in between. And only so many are being told at the same
/// time: what waits here gets the newest state when its turn comes, what waits in the queues of threads and sockets is old by then.
/// Any thread may call it.
/// </summary>
/// <remarks>
/// A ring of lists, one for each tick of the longest interval; then one queue of those whose time has come. The timer runs only while somebody
/// waits or has a place.
/// </remarks>
internal sealed class PushTurns : IDisposable
{
    /// <summary>How exactly turns are kept.</summary>
    internal static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    /// <summary>A node that takes longer to answer keeps nobody waiting.</summary>
    internal static readonly TimeSpan LongestPlace = TimeSpan.FromMilliseconds(100);

    // Some 50 ms of a processor's time.
    private const int PlacesPerProcessor = 512;

    private readonly Lock _lock = new();
    private readonly List<PushTurn>[] _ring = [.. Enumerable.Range(0, (int)(PushPace.Longest / Tick) + 2).Select(_ => new List<PushTurn>())];
    private readonly Queue<PushTurn> _due = new();
    private readonly Queue<(PushTurn Turn, long Since)> _told = new();   // in the order in which they got their places, also when they have left since
    private readonly int _places;
    private readonly long _began;
    private readonly ITimer _timer;
    private long _passed;     // ticks whose turns have come
    private int _inRing;
    private int _taken;
    private bool _isTicking;
    private bool _isDisposed;

    /// <param name="places">How many are told at the same time.</param>
    internal PushTurns(TimeProvider time, int? places = null)
    {
        Time = time;
        _places = places ?? PlacesPerProcessor * Environment.ProcessorCount;
        _began = time.GetTimestamp();
        _timer = time.CreateTimer(_ => Come(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    internal TimeProvider Time { get; }

    internal PushPace Pace { get; } = new();

    /// <summary>A turn that is due after a while.</summary>
    /// <param name="wait">At most <see cref="PushPace.Longest"/>.</param>
    internal void Enter(PushTurn turn, TimeSpan wait)
    {
        lock (_lock)
        {
            var now = Time.GetElapsedTime(_began);
            if (_inRing++ == 0)
                _passed = now.Ticks / Tick.Ticks;
            // Not before it is over, and in no tick that has passed already. When the timer is late, the ring goes round: then it comes early.
            var due = ((now + wait).Ticks + Tick.Ticks - 1) / Tick.Ticks;
            _ring[Math.Max(due, _passed + 1) % _ring.Length].Add(turn);
            TickLocked();
        }
    }

    /// <summary>A turn that is due now: it comes at once if there is a place.</summary>
    internal void Due(PushTurn turn)
    {
        lock (_lock)
        {
            if (_due.Count > 0 || !TryPlaceLocked(turn))
            {
                _due.Enqueue(turn);
                return;
            }
        }
        turn.Come();
    }

    /// <summary>Its stream has been told: the next one comes.</summary>
    internal void Leave(PushTurn turn)
    {
        PushTurn? next = null;
        lock (_lock)
        {
            if (turn.PlaceSince == 0)
                return;
            turn.PlaceSince = 0;
            _taken--;
            if (_due.TryPeek(out next) && TryPlaceLocked(next))
                _due.Dequeue();
            else
                next = null;
        }
        next?.Come();
    }

    public void Dispose()
    {
        lock (_lock)
            _isDisposed = true;
        _timer.Dispose();
    }

    private bool TryPlaceLocked(PushTurn turn)
    {
        if (turn.PlaceSince == 0)
        {
            if (_taken >= _places)
                return false;
            _taken++;
        }
        turn.PlaceSince = Time.GetTimestamp() is var now and not 0 ? now : 1;
        _told.Enqueue((turn, turn.PlaceSince));
        TickLocked();
        return true;
    }

    private void TickLocked()
    {
        if (_isTicking || _isDisposed)
            return;
        _isTicking = true;
        _timer.Change(Tick, Tick);
    }

    private void Come()
    {
        var come = new List<PushTurn>();
        lock (_lock)
        {
            for (var now = Time.GetElapsedTime(_began).Ticks / Tick.Ticks; _passed < now && _inRing > 0;)
            {
                var due = _ring[++_passed % _ring.Length];
                foreach (var turn in due)
                    _due.Enqueue(turn);
                _inRing -= due.Count;
                due.Clear();
            }
            while (_told.TryPeek(out var first) && (first.Turn.PlaceSince != first.Since || Time.GetElapsedTime(first.Since) > LongestPlace))
            {
                _told.Dequeue();
                if (first.Turn.PlaceSince == first.Since)
                    (first.Turn.PlaceSince, _taken) = (0, _taken - 1);
            }
            while (_due.TryPeek(out var next) && TryPlaceLocked(next))
                come.Add(_due.Dequeue());
            if (_inRing == 0 && _told.Count == 0 && !_isDisposed)
            {
                _isTicking = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }
        foreach (var turn in come)
            turn.Come();
    }
}
