using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// The client links of one source pod on one loop. Waiters share the link that is being opened; when all links to a
/// destination are full, another one is opened beside them. A destination used lately whose link takes no more (its certificate was
/// renewed, the peer sent GOAWAY) gets the next one ahead, once until it is used again.
/// </summary>
internal sealed class LinkPool(EventLoop loop, ISocketSource sockets, LinkContext context, WindowBudget budget) : ILinkOwner
{
    // Beyond this, waiting for one handshake only hides that the destination cannot keep up.
    private const int MaxWaitersPerDestination = 16_384;
    private const string RenewedReason = "the certificate was renewed";

    private readonly Dictionary<LinkKey, Destination> _destinations = [];
    private string? _leaving;
    private LinkCredentials? _current;
    private bool _isEnded;
    private bool _isDraining;

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

        Renew(credentials);
        if (!_destinations.TryGetValue(key, out var destination)) _destinations[key] = destination = new Destination(key, credentials);
        Use(destination);
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
        // Behind the waiter, which keeps the destination in its place when the last link goes.
        foreach (var link in destination.Links.Where(link => link.IsOutdated).ToArray()) link.Drain(Link.OutdatedReason);
        if (destination.Dialer is null) Dial(destination);
    }

    /// <summary>The waiter gave up.</summary>
    public void Forget(LinkKey key, ILinkWaiter waiter)
    {
        if (_destinations.TryGetValue(key, out var destination)) destination.Waiters.Remove(waiter);
    }

    /// <summary>What the pod speaks with from now on: links of another certificate take no new streams, nor do those that are still being dialled.</summary>
    public void Renew(LinkCredentials current)
    {
        if (ReferenceEquals(_current, current)) return;
        _current = current;
        foreach (var destination in _destinations.Values.Where(d => d.Credentials != current).ToArray())
        {
            bool wasUsed = WasUsedLately(destination);
            destination.LastUsedTicks = null; // what is warmed is its successor
            foreach (var link in destination.Links.ToArray()) link.Drain(RenewedReason);
            if (!wasUsed) continue;
            var key = destination.Key with { Generation = current.Svid.Generation };
            if (!_destinations.TryGetValue(key, out var successor)) _destinations[key] = successor = new Destination(key, current);
            Warm(successor);
        }
    }

    /// <summary>The pod is leaving: links close when their last stream has ended.</summary>
    public void Drain()
    {
        _isDraining = true;
        foreach (var link in _destinations.Values.SelectMany(d => d.Links).ToArray()) link.Drain("the pod is leaving the mesh");
    }

    /// <summary>The process hands over: links close when their last stream has ended, those that are still being dialled as well.</summary>
    public void HandOver(string reason)
    {
        _leaving = reason;
        foreach (var link in _destinations.Values.SelectMany(d => d.Links).ToArray()) link.Drain(reason);
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
            Cool(destination);
        }

        _destinations.Clear();
    }

    void ILinkOwner.OnRequest(Link link, TunnelStream stream, HeaderList headers) => stream.Refuse(501, "this side opens streams only");

    void ILinkOwner.OnDraining(Link link)
    {
        var destination = (Destination)link.State!;
        bool wasUsed = WasUsedLately(destination);
        Leave(link);
        if (!wasUsed) return;
        destination.LastUsedTicks = null;
        _destinations.TryAdd(destination.Key, destination); // without a link it has just been dropped
        Warm(destination);
    }

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

    private void Use(Destination destination)
    {
        destination.LastUsedTicks = loop.NowTicks;
        _isDraining = false; // a pod that was leaving may be wanted again
        Cool(destination);
    }

    private bool WasUsedLately(Destination destination) =>
        destination.LastUsedTicks is { } used && loop.NowTicks - used <= context.Options.WarmFor.Ticks;

    private void Warm(Destination destination)
    {
        bool isWanted = !_isEnded && !_isDraining && _leaving is null && destination.Links.Count == 0 && destination.Dialer is null;
        if (isWanted && context.Warm.TryAdd())
        {
            destination.IsWarm = true;
            Dial(destination);
        }
        else
        {
            DropIfUnused(destination);
        }
    }

    private void Cool(Destination destination)
    {
        if (!destination.IsWarm) return;
        destination.IsWarm = false;
        context.Warm.Remove();
    }

    private void Dial(Destination destination)
    {
        destination.Dialer = new LinkDialer(loop, destination.Key, destination.Credentials, sockets, context, () => _current!, (dialer, tls) => OnDialed(destination, dialer, tls));
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
        link.EndsTicks = EndOf(tls);
        destination.Links.Add(link);
        ((ILinkOwner)this).OnCapacity(link);
        // What waited has its streams on it; for what comes later it is of yesterday.
        if (_leaving is { } reason) link.Drain(reason);
        else if (destination.Credentials != _current) link.Drain(RenewedReason);
        if (budget.IsExhausted) FailWaiters(destination, RefusalReason.Overloaded, "the pod's tunnels hold all the memory they may");
        else if (destination.Waiters.Count > 0 && destination.Dialer is null) Dial(destination);
    }

    // A chain that verified has a leaf, and its end is not past.
    private long EndOf(TlsConnection tls) => loop.NowTicks + (tls.Session.Peer!.NotAfter - context.Time.GetUtcNow()).Ticks;

    private void Leave(Link link)
    {
        var destination = (Destination)link.State!;
        if (!destination.Links.Remove(link)) return;
        if (destination.Waiters.Count > 0 && destination.Dialer is null && !_isEnded) Dial(destination);
        DropIfUnused(destination);
    }

    private void DropIfUnused(Destination destination)
    {
        if (destination.Links.Count > 0 || destination.Waiters.Count > 0 || destination.Dialer is not null) return;
        Cool(destination);
        if (_destinations.TryGetValue(destination.Key, out var current) && current == destination) _destinations.Remove(destination.Key);
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

        /// <summary>When somebody last asked for a link, on the loop's clock; null when nobody did since the last link was opened ahead.</summary>
        public long? LastUsedTicks { get; set; }

        /// <summary>Its link was opened ahead and is unused.</summary>
        public bool IsWarm { get; set; }
    }
}
