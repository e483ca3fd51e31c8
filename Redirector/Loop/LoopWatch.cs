using Ambient.Native.Events;

namespace Ambient.Redirector.Loop;

/// <summary>A descriptor watched by the loop. To be disposed before the descriptor is closed.</summary>
internal sealed class LoopWatch(EventLoop loop, int descriptor, ulong token) : IDisposable
{
    /// <summary>Changes what is watched for.</summary>
    public void Change(EpollEvents events) => loop.Change(descriptor, events, token);

    /// <inheritdoc/>
    public void Dispose() => loop.End(descriptor, token);
}
