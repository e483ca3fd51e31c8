using System.Buffers;

namespace Ambient.NodeProxy.Telemetry;

/// <summary>All loops' counters. Loops write their own parts; a scrape merges them. Owned by the composition root.</summary>
public sealed class DataPathMetrics
{
    private readonly TimeProvider _time;
    private readonly LoopMetrics[] _loops;
    private readonly Dictionary<EdgeKey, EdgeTotals> _putAway = [];   // what loops no longer list; under EdgeLock
    private readonly Dictionary<EdgeKey, Shown> _shown = [];          // what the last scrapes saw; under _scraping
    private readonly Lock _scraping = new();

    /// <summary>Makes the counters of a number of loops.</summary>
    public DataPathMetrics(int loops, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _loops = [.. Enumerable.Range(0, loops).Select(_ => new LoopMetrics(this))];
    }

    /// <summary>Guards the lists of edges, not their counters.</summary>
    internal Lock EdgeLock { get; } = new();

    /// <summary>A clock with ticks of a minute, for putting idle edges away.</summary>
    internal long Minute => _time.GetTimestamp() / _time.TimestampFrequency / 60;

    internal IReadOnlyList<LoopMetrics> Loops => _loops;

    /// <summary>The counters of one loop, numbered from 0.</summary>
    public LoopMetrics ForLoop(int i) => _loops[i];

    /// <summary>Connections open now that a reporter's side counts; both sides of a connection within this node count it.</summary>
    public long OpenConnections(Reporter reporter)
    {
        long open = 0;
        foreach (KeyValuePair<EdgeKey, EdgeTotals> edge in CopyEdges(new HashSet<EdgeKey>()))
        {
            if (edge.Key.Reporter == reporter)
                open += edge.Value.Open;
        }
        return open;
    }

    /// <summary>Writes all families in the text format 0.0.4, to be appended to what others wrote.</summary>
    public void WriteExposition(IBufferWriter<byte> to) => DataPathExposition.Write(this, new ExpositionWriter(to));

    /// <summary>
    /// The edges to show, merged over all loops and sorted by their labels: those with an open connection, or with traffic that a scrape of
    /// the last ten minutes was the first to see.
    /// </summary>
    internal List<KeyValuePair<EdgeKey, EdgeTotals>> MergedEdges()
    {
        lock (_scraping)
        {
            var listed = new HashSet<EdgeKey>();
            var merged = new Dictionary<EdgeKey, EdgeTotals>();
            foreach (KeyValuePair<EdgeKey, EdgeTotals> edge in CopyEdges(listed))
                merged[edge.Key] = merged.GetValueOrDefault(edge.Key) + edge.Value;

            long minute = Minute;
            var shown = new List<KeyValuePair<EdgeKey, EdgeTotals>>(merged.Count);
            foreach ((EdgeKey key, EdgeTotals totals) in merged)
            {
                if (!_shown.TryGetValue(key, out Shown before) || before.Totals != totals || totals.Open != 0)
                    _shown[key] = before = new Shown(totals, minute);
                if (minute - before.ActiveMinute < LoopMetrics.IdleMinutes)
                    shown.Add(new KeyValuePair<EdgeKey, EdgeTotals>(key, totals));
                else if (!listed.Contains(key))
                    Forget(key);
            }
            shown.Sort(static (a, b) => EdgeOrder.Compare(a.Key, b.Key));
            return shown;
        }
    }

    internal void KeepLocked(EdgeKey key, EdgeTotals totals) => _putAway[key] = _putAway.GetValueOrDefault(key) + totals;

    private List<KeyValuePair<EdgeKey, EdgeTotals>> CopyEdges(HashSet<EdgeKey> listed)
    {
        var all = new List<KeyValuePair<EdgeKey, EdgeTotals>>();
        lock (EdgeLock)
        {
            foreach (LoopMetrics loop in _loops)
                loop.CopyEdgesLocked(all);
            int listedCount = all.Count;
            all.AddRange(_putAway);
            foreach (KeyValuePair<EdgeKey, EdgeTotals> edge in all.Take(listedCount))
                listed.Add(edge.Key);
        }
        return all;
    }

    // Under _scraping. A loop may list the edge again in between: then its sums start at zero, as do those of a new series.
    private void Forget(EdgeKey key)
    {
        _shown.Remove(key);
        lock (EdgeLock)
            _putAway.Remove(key);
    }

    private readonly record struct Shown(EdgeTotals Totals, long ActiveMinute);
}
