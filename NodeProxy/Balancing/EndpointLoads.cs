using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Ambient.NodeProxy.Balancing;

/// <summary>
/// The load of every endpoint this node has work at. Lives outside the view and survives its changes; shared by all loops. Endpoints
/// without work are dropped now and then, so that the table's size follows what is in use.
/// </summary>
public sealed class EndpointLoads(int loops)
{
    private const int SmallestSweep = 1_024;

    private readonly ConcurrentDictionary<EndpointAddress, EndpointLoad> _loads = new();
    private readonly Lock _sweeping = new();
    private int _sweepAbove = SmallestSweep;

    /// <summary>How many loops share it.</summary>
    public int Loops { get; } = loops;

    /// <summary>How many endpoints it holds, with work or lately so.</summary>
    public int Count => _loads.Count;

    internal bool TryFind(EndpointAddress endpoint, [NotNullWhen(true)] out EndpointLoad? load) => _loads.TryGetValue(endpoint, out load);

    /// <summary>Counts one more piece of work of a loop.</summary>
    internal EndpointLoad Start(EndpointAddress endpoint, int loop)
    {
        while (true)
        {
            if (!_loads.TryGetValue(endpoint, out EndpointLoad? load))
            {
                load = _loads.GetOrAdd(endpoint, static (_, count) => new EndpointLoad(count), Loops);
                SweepIfLarge();
            }
            load.Add(loop, 1);
            // Either Sweep sees this loop's work, or this loop sees that Sweep has retired the entry; the fences forbid that neither does.
            Interlocked.MemoryBarrier();
            if (!load.IsRetired)
                return load;
            load.Add(loop, -1);
        }
    }

    /// <summary>Drops every endpoint without work.</summary>
    internal void Sweep()
    {
        lock (_sweeping)
        {
            foreach ((EndpointAddress endpoint, EndpointLoad load) in _loads)
            {
                if (load.Total != 0)
                    continue;
                load.IsRetired = true;
                Interlocked.MemoryBarrier();
                if (load.Total == 0)
                    _loads.TryRemove(new KeyValuePair<EndpointAddress, EndpointLoad>(endpoint, load));
                else
                    load.IsRetired = false;
            }
            _sweepAbove = Math.Max(SmallestSweep, 2 * _loads.Count);
        }
    }

    // Twice what was in use after the last sweep: a sweep's cost is spread over at least as many new endpoints.
    private void SweepIfLarge()
    {
        if (_loads.Count > _sweepAbove)
            Sweep();
    }
}
