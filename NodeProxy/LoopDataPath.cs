using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Inbound;
using Ambient.NodeProxy.Outbound;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Tunnel;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy;

/// <summary>The data path of one loop, put together: what capture hands over goes out or comes in.</summary>
internal sealed class LoopDataPath(
    EventLoop loop, LoopPods pods, CredentialCache credentials, OutboundLoop outbound, InboundLoop inbound, SessionBook sessions, ILogger logger) : ICaptureHandler
{
    private int _certificatesChanged;

    public EventLoop Loop => loop;

    public OutboundLoop Outbound => outbound;

    public InboundLoop Inbound => inbound;

    public SessionBook Sessions => sessions;

    /// <summary>Connections, those that are still being opened included; one within the node counts for both of its pods. On the loop.</summary>
    public int UserCount => pods.All.Sum(pod => pod.UserCount);

    /// <summary>Links, those in a handshake included. On the loop.</summary>
    public int LinkCount => outbound.LinkCount + inbound.LinkCount;

    /// <summary>No link takes new streams from now on; each closes when its last one has ended. On the loop.</summary>
    /// <returns>How many links there are.</returns>
    public int Leave(string reason)
    {
        outbound.Leave(reason);
        inbound.Leave(reason);
        return LinkCount;
    }

    /// <summary>Resets every connection. On the loop.</summary>
    /// <returns>How many were carried.</returns>
    public int CutAll(string reason)
    {
        int carried = sessions.Count;
        foreach (var pod in pods.All) pod.CutAll(reason);
        return carried;
    }

    /// <summary>A new view was published.</summary>
    public void OnView()
    {
        sessions.Guard.OnView();
        outbound.OnView();
        inbound.OnView();
    }

    /// <summary>Certificates, roots or identities changed. Any thread; many calls in a row cost one look.</summary>
    public void CertificatesChanged()
    {
        if (Interlocked.Exchange(ref _certificatesChanged, 1) != 0) return;
        loop.Post(() =>
        {
            Volatile.Write(ref _certificatesChanged, 0);
            if (credentials.Rehearse(loop.Scratch) is { } reason) NodeLog.RehearsalFailed(logger, reason);
            outbound.OnCertificates();
            inbound.OnCertificates();
        });
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
