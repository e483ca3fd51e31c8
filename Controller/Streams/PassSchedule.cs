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
    private DateTimeOffset _due = DateTimeOffset.MaxValue;
    private TimeSpan _lastPass;

    /// <param name="pass">Begins a pass, which takes the lock and calls <see cref="Run"/>.</param>
    internal PassSchedule(TimeProvider time, Action pass)
    {
        _time = time;
        _timer = time.CreateTimer(_ => pass(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Something happened.</summary>
    internal void Soon() => At(_time.GetUtcNow() + CoalesceTime);

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
        pass();
        _lastPass = _time.GetElapsedTime(started);
    }

    public void Dispose() => _timer.Dispose();
}
