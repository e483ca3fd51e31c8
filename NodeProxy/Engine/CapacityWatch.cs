using Ambient.Native.Processes;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// Keeps a <see cref="NodeCapacity"/> up to date, once a second on the control loop: the limit of descriptors, which an operator
/// may raise while the process runs (prlimit(1)), and the memory used.
/// </summary>
internal sealed class CapacityWatch
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly EventLoop _control;
    private readonly NodeCapacity _capacity;
    private readonly ILogger _logger;
    private readonly LoopTimer _tick;
    private long _limit;
    private bool _wasShort;

    public CapacityWatch(EventLoop control, NodeCapacity capacity, ILogger logger)
    {
        (_control, _capacity, _logger) = (control, capacity, logger);
        _tick = new LoopTimer(OnTick);
    }

    /// <summary>Takes what descriptors can be had, then looks for the first time, before any connection is accepted.</summary>
    public void Start()
    {
        DescriptorLimit.Raise();
        Look();
        _control.Post(() => _control.Arm(_tick, Every));
    }

    private void OnTick()
    {
        _control.Arm(_tick, Every);
        Look();
    }

    private void Look()
    {
        long limit = DescriptorLimit.Current;
        if (limit != _limit)
        {
            _limit = limit;
            _capacity.SetDescriptorLimit(limit);
            NodeLog.DescriptorLimit(_logger, limit, _capacity.Limit);
        }

        if (ProcessMemory.Read("/", Environment.WorkingSet) is not { } memory) return;
        _capacity.SetMemory(memory.UsedBytes, memory.LimitBytes);
        if (_capacity.IsMemoryShort == _wasShort) return;
        _wasShort = !_wasShort;
        if (_wasShort) NodeLog.MemoryShort(_logger, memory.UsedBytes >> 20, memory.LimitBytes >> 20, NodeCapacity.ShedAtPercent);
        else NodeLog.MemoryAgain(_logger, memory.UsedBytes >> 20, memory.LimitBytes >> 20);
    }
}
