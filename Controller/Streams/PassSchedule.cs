namespace Ambient.Controller.Streams;

/// <summary>When the next pass is due. Owned by whoever holds its lock; the pass itself is called on a timer's thread, without it.</summary>
internal sealed class PassSchedule : IDisposable
{
    /// <summary>Time from an event to the pass that deals with it.</summary>
    internal static readonly TimeSpan CoalesceTime = TimeSpan.FromMilliseconds(10);

    // A pass over a large mesh takes its time; spending at most a fifth of it keeps the lock free for streams.
    private const int RestPerPass = 4;

    // Timers take some weeks at most; what lies further ahead is looked at again after this time.
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly PushPace _pace;
    private DateTimeOffset _due = DateTimeOffset.MaxValue;
    private DateTimeOffset _lastBegun = DateTimeOffset.MinValue;
    private TimeSpan _lastPass;

    /// <param name="pace">How often a version is worth making.</param>
    /// <param name="pass">Begins a pass, which takes the lock and calls <see cref="Run"/>.</param>
    internal PassSchedule(TimeProvider time, PushPace pace, Action pass)
    {
        _time = time;
        _pace = pace;
        _timer = time.CreateTimer(_ => pass(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Something happened that nodes are to be told: in a moment, and when it is one of many, with what follows it in a few moments more.
    /// </summary>
    internal void Soon()
    {
        var (soon, paced) = (_time.GetUtcNow() + CoalesceTime, _lastBegun + _pace.VersionInterval);
        At(soon > paced ? soon : paced);
    }

    /// <summary>There will be something to do then; what is due earlier stays so.</summary>
    internal void At(DateTimeOffset due)
    {
        var now = _time.GetUtcNow();
        var earliest = now + (_lastPass * RestPerPass);
        due = due < earliest ? earliest : due;
        if (due >= _due)
            return;
        _due = due;
        _timer.Change(due - now < LongestWait ? due - now : LongestWait, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Runs a pass and notes how long it takes.</summary>
    internal void Run(Action pass)
    {
        var started = _time.GetTimestamp();
        _due = DateTimeOffset.MaxValue;
        _lastBegun = _time.GetUtcNow();
        pass();
        _lastPass = _time.GetElapsedTime(started);
    }

    public void Dispose() => _timer.Dispose();
}
