using System.Net;
using Ambient.Native.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Inbound;

/// <summary>The server side on one loop: plain connections and tunnels that arrive for its pods.</summary>
internal sealed class InboundLoop(InboundContext context)
{
    private const long WindowBudgetBytes = 512L * 1024 * 1024;

    private readonly Dictionary<string, PodTunnels> _tunnels = [];
    private readonly HashSet<InboundConnection> _waiting = [];
    private string? _leaving;

    public InboundContext Context => context;

    /// <summary>Server links, those in a handshake included.</summary>
    public int LinkCount => _tunnels.Values.Sum(pod => pod.Tunnels.Count);

    /// <summary>A plain connection arrived for the pod; the descriptor is ours.</summary>
    public void OnConnection(PodOnLoop pod, int fd)
    {
        if (!SocketCalls.TryGetRemoteAddress(fd, out var client) || !SocketCalls.TryGetOriginalDestination(fd, out var target))
        {
            SocketCalls.Close(fd); // gone before we looked
            return;
        }

        client.Address = context.Loop.Addresses.Shared(client.Address);
        if (PodRoom.RefusalOf(pod, out var reason, out string detail))
        {
            context.Refusals.Add(Reporter.Destination, reason, pod.Uid, client, target, detail);
            SocketCalls.CloseWithReset(fd);
            return;
        }

        new InboundConnection(this, pod, fd, client, target).Start();
    }

    /// <summary>A peer's node opened a tunnel to the pod; the descriptor is ours.</summary>
    public void OnTunnel(PodOnLoop pod, int fd)
    {
        if (!SocketCalls.TryGetRemoteAddress(fd, out var peer))
        {
            SocketCalls.Close(fd);
            return;
        }

        InboundTunnel.Start(context, pod, TunnelsOf(pod), fd, peer, onlyTarget: null);
    }

    /// <summary>What the view says of a connection may be about to change: it is decided about again with the next one.</summary>
    public void WaitForView(InboundConnection connection) => _waiting.Add(connection);

    public void StopWaiting(InboundConnection connection) => _waiting.Remove(connection);

    /// <summary>A new view was published.</summary>
    public void OnView()
    {
        EndTerminating();
        foreach (var connection in _waiting.ToArray()) connection.OnView();
    }

    /// <summary>Certificates, roots or identities changed.</summary>
    public void OnCertificates()
    {
        foreach (var (uid, tunnels) in _tunnels)
        {
            if (context.CredentialsOf(uid) is { } current) tunnels.Renew(current);
        }
    }

    /// <summary>This process hands over: links take no new streams, and close when their last one has ended.</summary>
    public void Leave(string reason)
    {
        _leaving = reason;
        foreach (var pod in _tunnels.Values) pod.Leave(reason);
    }

    /// <summary>A plain connection to the app's own port turned out to be a tunnel; the descriptor is ours, with no byte read.</summary>
    public void OnTunnelAt(IPEndPoint target, PodOnLoop pod, int fd, IPEndPoint peer) =>
        InboundTunnel.Start(context, pod, TunnelsOf(pod), fd, peer, onlyTarget: target);

    public void OnPodDraining(PodOnLoop pod)
    {
        if (!_tunnels.TryGetValue(pod.Uid, out var tunnels)) return;
        foreach (var tunnel in tunnels.Tunnels.ToArray()) tunnel.Drain("the pod is leaving the mesh");
    }

    public void OnPodEnded(PodOnLoop pod, string reason)
    {
        if (!_tunnels.Remove(pod.Uid, out var tunnels)) return;
        foreach (var tunnel in tunnels.Tunnels.ToArray()) tunnel.Cut(reason);
    }

    private void EndTerminating()
    {
        var view = context.Views.Current;
        foreach (var (uid, tunnels) in _tunnels)
        {
            if (view.TryFindWorkloadByUid(uid, out var pod) && pod.IsTerminating) tunnels.Terminate();
        }
    }

    private PodTunnels TunnelsOf(PodOnLoop pod)
    {
        if (_tunnels.TryGetValue(pod.Uid, out var tunnels)) return tunnels;
        _tunnels[pod.Uid] = tunnels = new PodTunnels(new WindowBudget(WindowBudgetBytes));
        if (_leaving is { } reason) tunnels.Leave(reason);
        EndTerminating(); // it may be so already
        return tunnels;
    }
}
