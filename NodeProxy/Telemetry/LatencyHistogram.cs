namespace Ambient.NodeProxy.Telemetry;

/// <summary>
/// Durations in fixed buckets. One thread writes, any may read: each field is an aligned 64-bit value that is written whole. The count is
/// the sum of the buckets, so a reader never sees a count that its buckets contradict; the sum may be an observation ahead or behind.
/// </summary>
internal sealed class LatencyHistogram(double[] upperBounds)
{
    private readonly long[] _counts = new long[upperBounds.Length + 1];   // the last is +Inf
    private double _sum;

    /// <summary>Upper bounds of the buckets, in seconds, ascending, without +Inf.</summary>
    public double[] UpperBounds { get; } = upperBounds;

    public void Observe(double seconds)
    {
        int bucket = 0;
        while (bucket < UpperBounds.Length && seconds > UpperBounds[bucket])
            bucket++;
        Volatile.Write(ref _counts[bucket], _counts[bucket] + 1);
        Volatile.Write(ref _sum, _sum + seconds);
    }

    /// <summary>Adds what this histogram holds to a reader's own sums.</summary>
    public void AddTo(long[] counts, ref double sum)
    {
        for (int i = 0; i < _counts.Length; i++)
            counts[i] += Volatile.Read(ref _counts[i]);
        sum += Volatile.Read(ref _sum);
    }
}
