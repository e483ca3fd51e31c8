using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Telemetry;

/// <summary>
/// What one loop counts. Only the loop calls it. Counting is plain additions; a lock is taken when an edge appears or the idle ones are put
/// away, which is once a minute at most, and is shared with the reader that copies the edges at a scrape.
/// </summary>
public sealed class LoopMetrics
{
    /// <summary>Edges beyond this number are counted as one <c>other</c>. 2,000 edges are about 1 MB a loop.</summary>
    public const int MostEdges = 2_000;

    /// <summary>How long an edge must be without an open connection and without traffic to be put away.</summary>
    public const int IdleMinutes = 10;

    // From a local connection (0.1 ms) to one that lives for a day.
    private static readonly double[] DurationBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3_600, 86_400];

    // A resumed handshake takes some 0.2 ms of CPU, a full one 1 ms; the rest is the network.
    private static readonly double[] HandshakeBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

    private readonly DataPathMetrics _all;
    private readonly Dictionary<EdgeKey, EdgeMetrics> _edges = [];
    private readonly List<EdgeMetrics> _listed = [];   // changed and copied under the shared lock; a key may be in it twice after ListAgain
    private readonly Dictionary<EdgeKey, EdgeMetrics> _others = [];   // at most reporters x ways x protections
    private readonly long[] _refused = new long[2 * Labels.Reasons.Length];
    private readonly long[] _handshakesFailed = new long[2 * Labels.Reasons.Length];
    private readonly long[] _probes = new long[Labels.ProbeKinds.Length];
    private readonly LatencyHistogram[] _durations = Make(2 * Labels.Ways.Length, DurationBounds);
    private readonly LatencyHistogram[] _handshakes = Make(4, HandshakeBounds);
    private long _sweptMinute;

    internal LoopMetrics(DataPathMetrics all)
    {
        _all = all;
        _sweptMinute = all.Minute;
    }

    /// <summary>The counters of an edge.</summary>
    public EdgeMetrics Edge(EdgeKey key) => Edge(ref key);

    /// <summary>The counters of an edge.</summary>
    /// <param name="key">Becomes the equal one that all its connections share; stays as it is for one beyond the limit.</param>
    public EdgeMetrics Edge(ref EdgeKey key)
    {
        long minute = _all.Minute;
        if (minute != _sweptMinute)
            PutIdleAway(minute);
        if (!_edges.TryGetValue(key, out EdgeMetrics? edge))
            return NewEdge(key, minute);
        key = edge.Key;
        return edge;
    }

    /// <summary>A connection was refused or cut.</summary>
    public void Refused(RefusalReason reason, Reporter side) => Increment(ref _refused[((int)side * Labels.Reasons.Length) + (int)reason]);

    /// <summary>A probe passed STRICT as the pod's spec declares it.</summary>
    public void ProbePassed(ProbeKind kind) => Increment(ref _probes[(int)kind]);

    /// <summary>A TLS handshake was completed and the peer accepted.</summary>
    /// <param name="seconds">From its first byte to its last.</param>
    /// <param name="resumed">It resumed a session.</param>
    /// <param name="client">This process was the client.</param>
    public void Handshake(double seconds, bool resumed, bool client) => _handshakes[HandshakeIndex(resumed, client)].Observe(seconds);

    /// <summary>A TLS handshake failed, or the peer was not accepted after it.</summary>
    public void HandshakeFailed(RefusalReason reason, bool client) => Increment(ref _handshakesFailed[((client ? 1 : 0) * Labels.Reasons.Length) + (int)reason]);

    internal static int HandshakeIndex(bool resumed, bool client) => (client ? 2 : 0) + (resumed ? 1 : 0);

    internal void ObserveDuration(Reporter reporter, Way way, double seconds) => _durations[((int)reporter * Labels.Ways.Length) + (int)way].Observe(seconds);

    internal void ListAgain(EdgeMetrics edge)
    {
        lock (_all.EdgeLock)
            _listed.Add(edge);
        if (!_others.ContainsKey(edge.Key))
            _edges.TryAdd(edge.Key, edge);
    }

    /// <summary>Copies the edges. By the reader, which holds the shared lock.</summary>
    internal void CopyEdgesLocked(List<KeyValuePair<EdgeKey, EdgeTotals>> into)
    {
        foreach (EdgeMetrics edge in _listed)
            into.Add(new KeyValuePair<EdgeKey, EdgeTotals>(edge.Key, edge.Totals));
    }

    internal long RefusedCount(Reporter side, RefusalReason reason) => Volatile.Read(ref _refused[((int)side * Labels.Reasons.Length) + (int)reason]);

    internal long ProbesPassedCount(ProbeKind kind) => Volatile.Read(ref _probes[(int)kind]);

    internal long HandshakesFailedCount(bool client, RefusalReason reason) =>
        Volatile.Read(ref _handshakesFailed[((client ? 1 : 0) * Labels.Reasons.Length) + (int)reason]);

    internal LatencyHistogram Durations(Reporter reporter, Way way) => _durations[((int)reporter * Labels.Ways.Length) + (int)way];

    internal LatencyHistogram Handshakes(bool resumed, bool client) => _handshakes[HandshakeIndex(resumed, client)];

    private static void Increment(ref long counter) => Volatile.Write(ref counter, counter + 1);

    private static LatencyHistogram[] Make(int count, double[] bounds) => [.. Enumerable.Range(0, count).Select(_ => new LatencyHistogram(bounds))];

    private EdgeMetrics NewEdge(EdgeKey key, long minute)
    {
        Dictionary<EdgeKey, EdgeMetrics> home = _edges;
        if (_edges.Count >= MostEdges)
        {
            (home, key) = (_others, EdgeKey.Other(key.Reporter, key.Way, key.Protection));
            if (home.TryGetValue(key, out EdgeMetrics? other))
                return other;
        }
        var edge = new EdgeMetrics(this, key, minute);
        home.Add(key, edge);
        lock (_all.EdgeLock)
            _listed.Add(edge);
        return edge;
    }

    // An edge's sums move to the shared table of those put away: another loop may still count for the same edge, and the merged
    // counter must not fall.
    private void PutIdleAway(long minute)
    {
        _sweptMinute = minute;
        lock (_all.EdgeLock)
        {
            for (int i = _listed.Count - 1; i >= 0; i--)
            {
                EdgeMetrics edge = _listed[i];
                if (!edge.IsIdle(minute, IdleMinutes))
                    continue;
                _listed.RemoveAt(i);
                _all.KeepLocked(edge.Key, edge.PutAway());
                if (_edges.TryGetValue(edge.Key, out EdgeMetrics? current) && ReferenceEquals(current, edge))
                    _edges.Remove(edge.Key);
            }
        }
    }
}
