using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Inbound;
using Ambient.NodeProxy.Outbound;
using Ambient.NodeProxy.Sessions;

namespace Ambient.NodeProxy;

/// <summary>The data path of one loop, put together: what capture hands over goes out or comes in.</summary>
internal sealed class LoopDataPath(EventLoop loop, OutboundLoop outbound, InboundLoop inbound, SessionBook sessions) : ICaptureHandler
{
    public EventLoop Loop => loop;

    public OutboundLoop Outbound => outbound;

    public InboundLoop Inbound => inbound;

    public SessionBook Sessions => sessions;

    /// <summary>A new view was published.</summary>
    public void OnView()
    {
        sessions.Guard.OnView();
        outbound.OnView();
    }

    public void OnOutbound(PodOnLoop pod, int fd) => outbound.OnConnection(pod, fd);

    public void OnInbound(PodOnLoop pod, int fd) => inbound.OnConnection(pod, fd);

    public void OnTunnel(PodOnLoop pod, int fd) => inbound.OnTunnel(pod, fd);

    public void OnPodDraining(PodOnLoop pod)
    {
        outbound.OnPodDraining(pod);
        inbound.OnPodDraining(pod);
    }

    public void OnPodEnded(PodOnLoop pod, string reason)
    {
        outbound.OnPodEnded(pod, reason);
        inbound.OnPodEnded(pod, reason);
    }
}
