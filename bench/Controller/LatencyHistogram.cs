namespace Ambient.Bench.Controller;

/// <summary>Counts times in steps of a millisecond up to a minute. Any thread may call it.</summary>
internal sealed class LatencyHistogram
{
    private readonly long[] _counts = new long[60_001];

    internal long Count => _counts.Sum();

    internal void Add(TimeSpan time) => Interlocked.Increment(ref _counts[(int)Math.Clamp(time.TotalMilliseconds, 0, _counts.Length - 1)]);

    internal void Clear() => Array.Clear(_counts);

    /// <summary>The time below which a share of all lies, in seconds: the upper end of its step.</summary>
    internal double Quantile(double share)
    {
        var (wanted, seen) = ((long)Math.Ceiling(Count * share), 0L);
        for (var ms = 0; ms < _counts.Length; ms++)
        {
            seen += _counts[ms];
            if (seen >= wanted)
                return (ms + 1) / 1000.0;
        }
        return double.NaN;
    }
}
