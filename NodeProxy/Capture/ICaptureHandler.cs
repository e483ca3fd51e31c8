namespace Ambient.NodeProxy.Capture;

/// <summary>What a loop does with what was captured on it. Each takes over the accepted descriptor.</summary>
internal interface ICaptureHandler
{
    /// <summary>An app of the pod opened a connection (port 15001).</summary>
    void OnOutbound(PodOnLoop pod, int fd);

    /// <summary>A plain connection arrived for the pod (port 15006).</summary>
    void OnInbound(PodOnLoop pod, int fd);

    /// <summary>A peer's node opened a tunnel to the pod (port 15008).</summary>
    void OnTunnel(PodOnLoop pod, int fd);

    /// <summary>The pod takes no new connections; links of it close as they empty.</summary>
    void OnPodDraining(PodOnLoop pod);

    /// <summary>The pod is over: its links, sessions and credentials are forgotten.</summary>
    void OnPodEnded(PodOnLoop pod, string reason);
}
