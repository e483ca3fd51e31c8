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
    private readonly HashSet<OutboundConnection> _opening = [];
    private string? _leaving;

    public OutboundContext Context => context;

    /// <summary>An app of the pod opened a connection; the descriptor is ours.</summary>
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
        _pools[pod.Uid] = pool = new LinkPool(context.Loop, pod.Sockets, context.Links, new WindowBudget(WindowBudgetBytes));
        if (_leaving is { } reason) pool.HandOver(reason);
        return pool;
    }

    /// <summary>Certificates, roots or identities changed.</summary>
    public void OnCertificates()
    {
        foreach (var (uid, pool) in _pools)
        {
            if (context.CredentialsOf(uid) is { } current) pool.Renew(current);
        }
    }

    /// <summary>This process hands over: links close when their last stream has ended, those that are still to be opened as well.</summary>
    public void Leave(string reason)
    {
        _leaving = reason;
        foreach (var pool in _pools.Values) pool.HandOver(reason);
    }

    /// <summary>Links open or being opened.</summary>
    public int LinkCount => _pools.Values.Sum(pool => pool.Count);

    /// <summary>A connection's destination is not known yet: it is looked up again with the next view.</summary>
    public void WaitForView(OutboundConnection connection) => _waiting.Add(connection);

    public void StopWaiting(OutboundConnection connection) => _waiting.Remove(connection);

    /// <summary>A connection is on its way to an endpoint of a service, which the next view may no longer offer.</summary>
    public void StartOpening(OutboundConnection connection) => _opening.Add(connection);

    public void StopOpening(OutboundConnection connection) => _opening.Remove(connection);

    /// <summary>A new view was published.</summary>
    public void OnView()
    {
        foreach (var connection in _waiting.ToArray()) connection.OnView();
        foreach (var connection in _opening.ToArray()) connection.Reconsider();
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
