namespace Ambient.Controller.Streams;

/// <summary>
/// How long nodes take to ack what they are told, as a guide to how often each is worth telling: while most are still busy with the last
/// change, those that follow are better gathered than queued. Any thread may call it.
/// </summary>
/// <remarks>
/// The estimate follows the time below which three quarters of the acks lie: a step of a twentieth up for one that took longer, a third of that
/// down for one that did not. A few slow nodes do not move it, and a large mesh corrects it with every change.
/// </remarks>
internal sealed class PushPace
{
    /// <summary>Changes are never held back for longer.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);

    // Nodes that are told again as soon as they have answered keep the processors busy with nothing else, and gain nothing.
    private const int RestPerLag = 2;

    // A version for each change would be looked up by every stream; within an interval, those that are told late lose little by fewer.
    private const int VersionsPerInterval = 16;

    private const double Up = 1 / 20.0;
    private const double Down = Up / 3;
    private static readonly TimeSpan LeastStep = TimeSpan.FromMilliseconds(1);

    private readonly Lock _lock = new();
    private TimeSpan _lag;

    /// <summary>The time from one change that a node is told to the next; at most <see cref="Longest"/>.</summary>
    internal TimeSpan Interval
    {
        get { lock (_lock) return Least(_lag * RestPerLag, Longest); }
    }

    /// <summary>The time from one version of the view to the next.</summary>
    internal TimeSpan VersionInterval => Interval / VersionsPerInterval;

    /// <summary>A node acked a change.</summary>
    /// <param name="took">The time since it was the node's turn to be told.</param>
    internal void Acked(TimeSpan took)
    {
        lock (_lock)
        {
            var step = _lag > LeastStep ? _lag : LeastStep;
            _lag = took > _lag ? Least(_lag + (step * Up), took) : Most(_lag - (step * Down), took);
            _lag = Least(_lag, Longest);
        }
    }

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Most(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
