namespace Ambient.Bench.Controller;

/// <summary>What all simulated nodes together have seen. Any thread may call it.</summary>
internal sealed class NodeCounts
{
    private long _bytes;
    private long _acks;
    private long _fullAcks;
    private long _welcomes;

    /// <summary>Time from a change to the ack of a node that was told of it, one for each change and node.</summary>
    internal LatencyHistogram Latencies { get; } = new();

    /// <summary>Whether nodes look for changes at all: in a first full view there are none.</summary>
    internal bool LooksForMarks { get; set; }

    internal long Bytes => Interlocked.Read(ref _bytes);

    internal long Acks => Interlocked.Read(ref _acks);

    /// <summary>Full views that were acked.</summary>
    internal long FullAcks => Interlocked.Read(ref _fullAcks);

    /// <summary>Streams that a controller has taken in.</summary>
    internal long Welcomes => Interlocked.Read(ref _welcomes);

    internal void Welcomed() => Interlocked.Increment(ref _welcomes);

    internal void Received(int bytes) => Interlocked.Add(ref _bytes, bytes);

    internal void Acked(bool isFull)
    {
        Interlocked.Increment(ref _acks);
        if (isFull)
            Interlocked.Increment(ref _fullAcks);
    }

    internal void Told(TimeSpan age) => Latencies.Add(age);
}
