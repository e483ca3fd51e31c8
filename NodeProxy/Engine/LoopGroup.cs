using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Engine;

/// <summary>All loops of the process, one a core.</summary>
internal sealed class LoopGroup : IDisposable
{
    private readonly EventLoop[] _loops;

    public LoopGroup(int count, TimeProvider time, ILogger logger)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _loops = [.. Enumerable.Range(0, count).Select(i => new EventLoop(i, time, logger))];
    }

    public int Count => _loops.Length;

    public EventLoop this[int index] => _loops[index];

    public void Start()
    {
        foreach (var loop in _loops) loop.Start();
    }

    /// <summary>
    /// The home loop of the n-th pod. Round robin by arrival: pods of one node are few and long-lived, so it is as even as a
    /// hash and never puts the first two pods on one core.
    /// </summary>
    public EventLoop HomeOf(int arrival) => _loops[arrival % _loops.Length];

    public Task StopAsync() => Task.WhenAll(_loops.Select(loop => loop.StopAsync()));

    public void Dispose()
    {
        foreach (var loop in _loops) loop.Dispose();
    }
}
