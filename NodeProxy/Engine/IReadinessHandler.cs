using Ambient.Native.Events;

namespace Ambient.NodeProxy.Engine;

/// <summary>Told by its loop what a descriptor is ready for. Source: epoll(7), edge-triggered.</summary>
internal interface IReadinessHandler
{
    /// <summary>Called on the loop. Notes the readiness and asks for a turn; it does not do the work of others here.</summary>
    void OnReady(EpollEvents events);
}
