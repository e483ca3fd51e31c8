namespace Ambient.Controller.Streams;

/// <summary>
/// How long nodes take to ack a version, as a guide to how often one is worth publishing: while they are still busy with the last one,
/// changes are better gathered than queued. Any thread may call it.
/// </summary>
/// <remarks>
/// The estimate follows the time below which three quarters of the acks lie: a step of a twentieth up for one that took longer, a third of that
/// down for one that did not. A few slow nodes do not move it, and a large mesh corrects it with every version.
/// </remarks>
internal sealed class PushPace(TimeProvider time)
{
    /// <summary>Changes are never held back for longer.</summary>
    internal static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(500);

    private const int Remembered = 64;
    private const double Up = 1 / 20.0;
    private const double Down = Up / 3;
    private static readonly TimeSpan LeastStep = TimeSpan.FromMilliseconds(1);

    private readonly Lock _lock = new();
    private readonly (ulong Version, long At)[] _published = new (ulong, long)[Remembered];
    private TimeSpan _lag;

    /// <summary>The time between two versions that nodes keep up with; at most <see cref="Longest"/>.</summary>
    internal TimeSpan Interval
    {
        get { lock (_lock) return _lag; }
    }

    internal void Published(ulong version)
    {
        lock (_lock)
            _published[version % Remembered] = (version, time.GetTimestamp());
    }

    /// <summary>A node acked a version. One that is no longer remembered took long.</summary>
    internal void Acked(ulong version)
    {
        lock (_lock)
        {
            var (known, at) = _published[version % Remembered];
            var took = known == version ? time.GetElapsedTime(at) : Longest;
            var step = _lag > LeastStep ? _lag : LeastStep;
            _lag = took > _lag ? Least(_lag + (step * Up), took) : Most(_lag - (step * Down), took);
            _lag = Least(_lag, Longest);
        }
    }

    private static TimeSpan Least(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static TimeSpan Most(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
