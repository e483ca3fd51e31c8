using System.IO.Pipelines;

namespace Ambient.NodeProxy.Engine;

/// <summary>For <see cref="ConnectionPipe"/>: continuations of a pipe are queued to the loop, never run inside the call that completed them.</summary>
internal sealed class LoopPipeScheduler(EventLoop loop) : PipeScheduler
{
    public override void Schedule(Action<object?> action, object? state) => loop.Post(() => action(state));
}
