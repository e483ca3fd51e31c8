using System.Numerics;

namespace Ambient.Cli.App;

/// <summary>Durations in buckets that are 1/32 of their power of two wide, so that a percentile is right within about 3 %. One thread at a time.</summary>
internal sealed class Histogram
{
    private const int StepsBits = 5, Steps = 1 << StepsBits;

    private readonly long[] _counts = new long[64 * Steps];

    /// <summary>How many were recorded.</summary>
    public long Count { get; private set; }

    /// <summary>Records a duration.</summary>
    public void Record(TimeSpan duration)
    {
        _counts[BucketOf(Math.Max(0, duration.Ticks))]++;
        Count++;
    }

    /// <summary>Adds another one's records.</summary>
    public void Add(Histogram other)
    {
        for (var i = 0; i < _counts.Length; i++) _counts[i] += other._counts[i];
        Count += other.Count;
    }

    /// <summary>Forgets everything.</summary>
    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
    }

    /// <summary>The duration that this share of the records does not exceed, in milliseconds; 0 without records.</summary>
    public double Milliseconds(double share)
    {
        var rank = (long)Math.Ceiling(share * Count);
        for (var i = 0; i < _counts.Length; i++)
        {
            rank -= _counts[i];
            if (rank <= 0 && Count > 0) return TimeSpan.FromTicks(UpperEnd(i)).TotalMilliseconds;
        }
        return 0;
    }

    private static int BucketOf(long ticks)
    {
        if (ticks < Steps) return (int)ticks;
        var shift = BitOperations.Log2((ulong)ticks) - StepsBits;
        return ((shift + 1) << StepsBits) + (int)(ticks >> shift) - Steps;
    }

    private static long UpperEnd(int bucket)
    {
        if (bucket < Steps) return bucket;
        var shift = (bucket >> StepsBits) - 1;
        return ((long)((bucket & (Steps - 1)) + Steps + 1) << shift) - 1;
    }
}
