using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;
using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// The three listeners of a pod, made by Redirector inside its namespace. Both hold them, so that either can be replaced without
/// a refused connection. Accepting starts and stops; the sockets stay.
/// </summary>
internal sealed class PodListeners(Descriptor outbound, Descriptor inbound, Descriptor tunnel) : IDisposable
{
    /// <summary>The port that the pod's own connections are redirected to.</summary>
    public const int OutboundPort = 15001;

    /// <summary>The port that arriving connections are redirected to.</summary>
    public const int InboundPort = 15006;

    /// <summary>The port that peers' tunnels dial. Source: the HBONE checklist, item 1.</summary>
    public const int TunnelPort = 15008;

    private Listener[]? _accepting;

    /// <summary>The descriptors in the order of the wire: outbound, inbound, tunnel.</summary>
    public int[] Numbers => [outbound.Number, inbound.Number, tunnel.Number];

    /// <summary>Whether a port is one of ours: nobody's business to connect to.</summary>
    public static bool IsOwnPort(int port) => port is OutboundPort or InboundPort or TunnelPort;

    /// <summary>Starts to accept. On the pod's home loop.</summary>
    public void Accept(PodOnLoop pod, ICaptureHandler handler, Action<Errno> exhausted)
    {
        if (_accepting is not null) return;
        _accepting =
        [
            new Listener(pod.Loop, outbound.Number, fd => handler.OnOutbound(pod, fd), exhausted, () => pod.MayOpen(PodUse.OpeningOut)),
            new Listener(pod.Loop, inbound.Number, fd => handler.OnInbound(pod, fd), exhausted, () => pod.MayOpen(PodUse.OpeningIn)),
            new Listener(pod.Loop, tunnel.Number, fd => handler.OnTunnel(pod, fd), exhausted, () => true),
        ];
        SocketCalls.SetUnpaced(outbound.Number); // apps reach us through lo only
        pod.RoomAgain = OnRoomAgain;
        foreach (var listener in _accepting) listener.Start();
    }

    /// <summary>Stops to accept; connections wait in the backlog. On the pod's home loop.</summary>
    public void Pause()
    {
        if (_accepting is null) return;
        foreach (var listener in _accepting) listener.Stop();
        _accepting = null;
    }

    private void OnRoomAgain(PodUse use)
    {
        if (_accepting is null) return;
        if (use == PodUse.OpeningOut) _accepting[0].Resume();
        else if (use == PodUse.OpeningIn) _accepting[1].Resume();
    }

    /// <summary>Closes our copies. On the pod's home loop.</summary>
    public void Dispose()
    {
        Pause();
        outbound.Dispose();
        inbound.Dispose();
        tunnel.Dispose();
    }
}
