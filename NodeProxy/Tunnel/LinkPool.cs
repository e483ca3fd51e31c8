using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// The client links of one source pod on one loop. Waiters share the link that is being opened; when all links to a
/// destination are full, another one is opened beside them.
/// </summary>
internal sealed class LinkPool(EventLoop loop, ISocketSource sockets, LinkContext context, WindowBudget budget) : ILinkOwner
{
    // Beyond this, waiting for one handshake only hides that the destination cannot keep up.
    private const int MaxWaitersPerDestination = 16_384;

    private readonly Dictionary<LinkKey, Destination> _destinations = [];
    private bool _isEnded;

    /// <summary>Links open or being opened.</summary>
    public int Count => _destinations.Values.Sum(d => d.Links.Count + (d.Dialer is null ? 0 : 1));

    /// <summary>Gets a link with room for one stream, soon.</summary>
    public void Acquire(LinkKey key, LinkCredentials credentials, ILinkWaiter waiter)
    {
        if (_isEnded)
        {
            waiter.OnNoLink(RefusalReason.PodGone, "the pod has ended");
            return;
        }

        if (!_destinations.TryGetValue(key, out var destination)) _destinations[key] = destination = new Destination(key, credentials);
        foreach (var link in destination.Links)
        {
            if (!link.HasCapacity) continue;
            waiter.OnLink(link);
            return;
        }

        if (budget.IsExhausted)
        {
            waiter.OnNoLink(RefusalReason.Overloaded, "the pod's tunnels hold all the memory they may");
            return;
        }

        if (destination.Waiters.Count >= MaxWaitersPerDestination)
        {
            waiter.OnNoLink(RefusalReason.Overloaded, $"{MaxWaitersPerDestination} connections already wait for a tunnel to {key.Address}");
            return;
        }

        destination.Waiters.AddLast(waiter);
        if (destination.Dialer is null) Dial(destination);
    }

    /// <summary>The waiter gave up.</summary>
    public void Forget(LinkKey key, ILinkWaiter waiter)
    {
        if (_destinations.TryGetValue(key, out var destination)) destination.Waiters.Remove(waiter);
    }

    /// <summary>Certificates older than this are replaced: their links take no new streams.</summary>
    public void DrainOlderThan(long generation)
    {
        foreach (var destination in _destinations.Values.Where(d => d.Key.Generation < generation).ToArray())
        {
            foreach (var link in destination.Links.ToArray()) link.Drain("the certificate was renewed");
        }
    }

    /// <summary>The pod is leaving: links close when their last stream has ended.</summary>
    public void Drain()
    {
        foreach (var link in _destinations.Values.SelectMany(d => d.Links).ToArray()) link.Drain("the pod is leaving the mesh");
    }

    /// <summary>The pod is gone: everything ends now.</summary>
    public void End(string reason)
    {
        _isEnded = true;
        foreach (var destination in _destinations.Values.ToArray())
        {
            destination.Dialer?.Cancel();
            destination.Dialer = null;
            foreach (var link in destination.Links.ToArray()) link.Abort(ConnectionFault.Ended, reason);
            FailWaiters(destination, RefusalReason.PodGone, reason);
        }

        _destinations.Clear();
    }

    void ILinkOwner.OnRequest(Link link, TunnelStream stream, HeaderList headers) => stream.Refuse(501, "this side opens streams only");

    void ILinkOwner.OnDraining(Link link) => Leave(link);

    void ILinkOwner.OnCapacity(Link link)
    {
        // A ticket arrives with the first bytes after the handshake; by the time of the first end of a stream it is here.
        var destination = (Destination)link.State!;
        while (destination.Waiters.First is { } first && link.HasCapacity)
        {
            destination.Waiters.RemoveFirst();
            first.Value.OnLink(link);
        }
    }

    void ILinkOwner.OnFault(Link link, RefusalReason reason, string detail)
    {
        context.Metrics.Refused(reason, Reporter.Source);
        NodeLog.LinkFailed(context.Logger, ((Destination)link.State!).Key.Address, reason, detail);
    }

    void ILinkOwner.OnEnded(Link link, string reason)
    {
        Leave(link);
        var peer = ((Destination)link.State!).Key.Address;
        if (!link.IsViolated)
        {
            NodeLog.LinkEnded(context.Logger, peer, reason);
            return;
        }

        context.Metrics.Refused(RefusalReason.ProtocolViolation, Reporter.Source);
        NodeLog.LinkFailed(context.Logger, peer, RefusalReason.ProtocolViolation, reason);
    }

    private void Dial(Destination destination)
    {
        destination.Dialer = new LinkDialer(loop, destination.Key, destination.Credentials, sockets, context, (dialer, tls) => OnDialed(destination, dialer, tls));
        destination.Dialer.Start();
    }

    private void OnDialed(Destination destination, LinkDialer dialer, TlsConnection? tls)
    {
        destination.Dialer = null;
        if (tls is null)
        {
            NodeLog.LinkFailed(context.Logger, destination.Key.Address, dialer.Reason, dialer.Detail);
            FailWaiters(destination, dialer.Reason, dialer.Detail);
            DropIfUnused(destination);
            return;
        }

        tls.TicketArrived = ticket => destination.Credentials.KeepTicket(destination.Key, ticket);
        var link = Link.Start(tls, isServer: false, this, context.Options, budget);
        link.State = destination;
        destination.Links.Add(link);
        ((ILinkOwner)this).OnCapacity(link);
        if (budget.IsExhausted) FailWaiters(destination, RefusalReason.Overloaded, "the pod's tunnels hold all the memory they may");
        else if (destination.Waiters.Count > 0 && destination.Dialer is null) Dial(destination);
    }

    private void Leave(Link link)
    {
        var destination = (Destination)link.State!;
        if (!destination.Links.Remove(link)) return;
        if (destination.Waiters.Count > 0 && destination.Dialer is null && !_isEnded) Dial(destination);
        DropIfUnused(destination);
    }

    private void DropIfUnused(Destination destination)
    {
        if (destination.Links.Count == 0 && destination.Waiters.Count == 0 && destination.Dialer is null) _destinations.Remove(destination.Key);
    }

    private static void FailWaiters(Destination destination, RefusalReason reason, string detail)
    {
        var waiters = destination.Waiters.ToArray();
        destination.Waiters.Clear();
        foreach (var waiter in waiters) waiter.OnNoLink(reason, detail);
    }

    private sealed class Destination(LinkKey key, LinkCredentials credentials)
    {
        public LinkKey Key { get; } = key;
        public LinkCredentials Credentials { get; } = credentials;
        public List<Link> Links { get; } = [];
        public LinkedList<ILinkWaiter> Waiters { get; } = new();
        public LinkDialer? Dialer { get; set; }
    }
}
