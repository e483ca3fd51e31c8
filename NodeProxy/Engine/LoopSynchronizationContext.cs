namespace Ambient.NodeProxy.Engine;

/// <summary>Brings continuations of asynchronous code back to the loop that awaits them; queued, never run in place.</summary>
internal sealed class LoopSynchronizationContext(EventLoop loop) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => loop.Post(() => d(state));

    public override void Send(SendOrPostCallback d, object? state)
    {
        if (!loop.IsCurrent) throw new NotSupportedException("waiting for a loop from outside can deadlock it: use Post");
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;
}
