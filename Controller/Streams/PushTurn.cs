namespace Ambient.Controller.Streams;

/// <summary>
/// When one stream is told of changes: at once if it was told nothing for a while, else an interval after the last time
/// (<see cref="PushPace"/>). Any thread may call it.
/// <code>
///   idle --Ask, soon after the last--> waiting --Come--> woken --Begin--> idle
///     \------------------Ask-------------------------------^
/// </code>
/// </summary>
/// <param name="wake">Called when it is the stream's turn.</param>
internal sealed class PushTurn(PushTurns turns, Action wake)
{
    private const int Idle = 0, Waiting = 1, Woken = 2;

    private readonly TimeProvider _time = turns.Time;
    private int _state;
    private long _told = turns.Time.GetTimestamp() - (long)(PushPace.Longest.TotalSeconds * turns.Time.TimestampFrequency);   // long ago
    private long _due;

    /// <summary>There may be something that the stream is to be told.</summary>
    internal void Ask()
    {
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) != Idle)
            return;
        var rest = turns.Pace.Interval - _time.GetElapsedTime(Volatile.Read(ref _told));
        if (rest > TimeSpan.Zero)
            turns.Enter(this, rest);
        else
            Come();
    }

    /// <summary>It is the stream's turn.</summary>
    internal void Come()
    {
        Volatile.Write(ref _due, _time.GetTimestamp());
        Volatile.Write(ref _state, Woken);
        wake();
    }

    /// <summary>The stream looks now for what there is to be told.</summary>
    internal void Begin() => Interlocked.CompareExchange(ref _state, Idle, Woken);

    /// <summary>The stream has been told of a change, or found that it concerns it in nothing.</summary>
    internal void Told() => Volatile.Write(ref _told, _time.GetTimestamp());

    /// <summary>The change has been acked.</summary>
    internal void Acked() => turns.Pace.Acked(_time.GetElapsedTime(Volatile.Read(ref _due)));
}
