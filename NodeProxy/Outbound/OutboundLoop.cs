using Ambient.Native.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;

namespace Ambient.NodeProxy.Outbound;

/// <summary>The client side on one loop: takes what apps open, keeps the links of each pod and the connections that wait for the view.</summary>
internal sealed class OutboundLoop(OutboundContext context)
{
    // What a pod's peers may make this loop hold, if every reader stalls at once.
    private const long WindowBudgetBytes = 512L * 1024 * 1024;

    private readonly Dictionary<string, LinkPool> _pools = [];
    private readonly HashSet<OutboundConnection> _waiting = [];

    public OutboundContext Context => context;

    /// <summary>An app of the pod opened a connection; the descriptor is ours.</summary>
    public void OnConnection(PodOnLoop pod, int fd)
    {
        if (!SocketCalls.TryGetRemoteAddress(fd, out var client) || !SocketCalls.TryGetOriginalDestination(fd, out var target))
        {
            SocketCalls.Close(fd); // gone before we looked
            return;
        }

        if (PodRoom.RefusalOf(pod, out var reason, out string detail))
        {
            context.Refusals.Add(Reporter.Source, reason, pod.Uid, client, target, detail);
            SocketCalls.CloseWithReset(fd);
            return;
        }

        new OutboundConnection(this, pod, fd, client, target).Start();
    }

    /// <summary>The client links of a pod.</summary>
    public LinkPool PoolOf(PodOnLoop pod)
    {
        if (_pools.TryGetValue(pod.Uid, out var pool)) return pool;
        return _pools[pod.Uid] = new LinkPool(context.Loop, pod.Sockets, context.Links, new WindowBudget(WindowBudgetBytes));
    }

    /// <summary>Links open or being opened.</summary>
    public int LinkCount => _pools.Values.Sum(pool => pool.Count);

    /// <summary>A connection's destination is not known yet: it is looked up again with the next view.</summary>
    public void WaitForView(OutboundConnection connection) => _waiting.Add(connection);

    public void StopWaiting(OutboundConnection connection) => _waiting.Remove(connection);

    /// <summary>A new view was published.</summary>
    public void OnView()
    {
        foreach (var connection in _waiting.ToArray()) connection.OnView();
    }

    public void OnPodDraining(PodOnLoop pod)
    {
        if (_pools.TryGetValue(pod.Uid, out var pool)) pool.Drain();
    }

    public void OnPodEnded(PodOnLoop pod, string reason)
    {
        if (_pools.Remove(pod.Uid, out var pool)) pool.End(reason);
        context.Credentials.Forget(pod.Uid);
    }
}
