using System.Net;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Policy;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Outbound;

/// <summary>
/// Opens the way that a route asks for: within the node, by a tunnel, or plain. One at a time; a connection that tries another
/// endpoint uses it again.
/// </summary>
/// <remarks>
/// <code>
///   Open --both pods here, nothing forbids it--> direct: the destination's policy, then a socket of its namespace
///        --enrolled--> a link of the pool --> a stream on it --> the other node's answer
///        --else--> plain, passthrough: a socket of the source's namespace
/// </code>
/// </remarks>
internal sealed class WayOpener(OutboundLoop outbound, PodOnLoop pod, IPEndPoint client, IWayOwner owner) : ILinkWaiter, IStreamOpener
{
    private readonly OutboundContext _context = outbound.Context;
    private Route? _route;
    private Workload? _source;
    private AppOpener? _opener;
    private LinkKey? _linkKey;
    private TunnelStream? _stream;
    private PodOnLoop? _destinationPod;
    private ConnectionFacts? _directFacts;

    /// <summary>The other node was asked for a stream and has not answered yet.</summary>
    public bool IsAsked => _stream is not null;

    /// <summary>Starts; the owner is told how it ended, at once or later.</summary>
    /// <param name="route">Of the kinds Mesh, Plain and Passthrough.</param>
    /// <param name="source">The app's pod.</param>
    public void Open(Route route, Workload source)
    {
        (_route, _source) = (route, source);
        (_destinationPod, _directFacts) = (null, null); // an endpoint before this one may have been on this node
        if (route.Kind == RouteKind.Mesh) OpenInMesh(route.Destination!);
        else _opener = AppOpener.Start(pod, seenAs: null, route.Target, OnOpened);
    }

    /// <summary>Nobody waits for it any more. A link that is being dialled goes on without us: the next connection finds it open, or learns why not.</summary>
    public void GiveUp()
    {
        _opener?.Cancel();
        _opener = null;
        if (_linkKey is not null) outbound.PoolOf(pod).Forget(_linkKey, this);
        _linkKey = null;
        var stream = _stream;
        _stream = null;
        stream?.Abort(ConnectionFault.OtherSide);
    }

    void ILinkWaiter.OnLink(Link link)
    {
        _linkKey = null;
        string baggage = $"k8s.namespace.name={_source!.Namespace},k8s.pod.name={_source.Name}";
        _stream = link.Open(new ConnectRequest(_route!.Target, client, baggage), this);
    }

    void ILinkWaiter.OnNoLink(RefusalReason reason, string detail)
    {
        _linkKey = null;
        Fail(reason, detail);
    }

    void IStreamOpener.OnOpened(TunnelStream stream)
    {
        _stream = null;
        owner.OnWayOpen(new OpenWay(stream, Way.Tunnel, Protection.MutualTls));
    }

    void IStreamOpener.OnRefused(TunnelStream stream, int status, string reason)
    {
        _stream = null;
        // 503 is "the app did not answer there", 400 "this is not the pod you mean", which an old view leads to; 401 would be the same anywhere.
        owner.OnNoWay(
            status is 503 or 400 ? NoWay.TryAnother : NoWay.Final,
            status == 401 ? RefusalReason.Denied : RefusalReason.TunnelRefused, $"{_route!.Target} answered {status}: {reason}");
    }

    void IStreamOpener.OnOpenFailed(TunnelStream stream, bool isUnprocessed)
    {
        _stream = null;
        owner.OnNoWay(
            isUnprocessed ? NoWay.NothingDone : NoWay.TryAnother,
            RefusalReason.TunnelLost, $"the tunnel to {_route!.Target} was lost before it answered");
    }

    private void OpenInMesh(Workload destination)
    {
        var settings = _context.Views.Current.Settings;
        // Who has nothing to prove itself with does not get through, not even within the node.
        var id = _source!.IdentityIn(settings.TrustDomain);
        if (_context.Credentials.Current(pod.Uid, id) is not { } credentials)
        {
            owner.OnNoWay(NoWay.Final, RefusalReason.NoCertificate, $"no certificate for {id} yet");
            return;
        }

        // What a pod says to itself never leaves its namespace, so there is no policy of the network to bypass.
        bool mayStayInProcess = destination.Uid == pod.Uid || (destination.Node == _context.Node && settings.DirectAllowed
            && destination.DirectForbiddenReason is null && _source.DirectForbiddenReason is null);
        if (mayStayInProcess && _context.Pods.TryFind(destination.Uid, out _destinationPod))
        {
            _directFacts = new ConnectionFacts(id, client.Address, destination, _route!.Target.Port, ProtectedInProcessOrTunnel: true);
            if (IsDirectAllowed()) _opener = AppOpener.Start(_destinationPod, AddressSeenAt(_route.Target.Address), _route.Target, OnOpened);
            return;
        }

        var entry = EntryOf(destination, settings);
        var address = entry == TunnelEntry.OriginalPort ? _route!.Target : new IPEndPoint(_route!.Target.Address, PodListeners.TunnelPort);
        _linkKey = new LinkKey(destination.Uid, address, entry, destination.IdentityIn(settings.TrustDomain), credentials.Svid.Generation);
        outbound.PoolOf(pod).Acquire(_linkKey, credentials, this);
    }

    private static TunnelEntry EntryOf(Workload destination, MeshSettings settings) =>
        settings.TunnelOnOriginalPort && destination.Capabilities.Contains(NodeCapabilities.TunnelOnOriginalPort)
            ? TunnelEntry.OriginalPort
            : TunnelEntry.TunnelPort;

    // The client's own address, or, for a service whose only endpoints have the other family, the same pod's address of that one.
    private IPAddress? AddressSeenAt(IPAddress target)
    {
        if (client.AddressFamily == target.AddressFamily) return client.Address;
        foreach (var address in _source!.Addresses)
        {
            if (address.AddressFamily == target.AddressFamily) return address;
        }

        return null;
    }

    // Both pods are here: the destination's policy is evaluated on this loop, with the identity that the source would prove.
    private bool IsDirectAllowed()
    {
        if (_directFacts is not { } facts) return true;
        var decision = _context.Sessions.Guard.Decide(facts);
        if (!decision.Allowed) owner.OnNoWay(NoWay.Final, RefusalReason.Denied, decision.Rule);
        return decision.Allowed;
    }

    private void OnOpened(SocketConnection? upstream, RefusalReason reason, string detail)
    {
        _opener = null;
        if (upstream is null)
        {
            Fail(reason, detail);
            return;
        }

        if (!IsDirectAllowed()) // the view may have changed while the app was being connected to
        {
            upstream.Abort(ConnectionFault.OtherSide);
            return;
        }

        var (kind, protection) = _destinationPod is not null ? (Way.Direct, Protection.InMemory)
            : _route!.Kind == RouteKind.Passthrough ? (Way.Passthrough, Protection.Plaintext)
            : (Way.Plain, Protection.Plaintext);
        owner.OnWayOpen(new OpenWay(upstream, kind, protection, _destinationPod, _directFacts));
    }

    private void Fail(RefusalReason reason, string detail)
    {
        bool mayHelp = reason is RefusalReason.ConnectFailed or RefusalReason.ConnectTimedOut or RefusalReason.TunnelRefused
            or RefusalReason.TunnelLost or RefusalReason.HandshakeFailed or RefusalReason.HandshakeTimedOut
            // A peer that is not who it should be has got nothing but a handshake: its address may be another pod's by now.
            or RefusalReason.PeerIdentityUnexpected or RefusalReason.PeerUntrusted
            // No sockets of the destination's namespace: that pod has ended. Without sockets of its own a pod gets nowhere.
            || (reason is RefusalReason.NoSockets && _destinationPod is not null);
        owner.OnNoWay(mayHelp ? NoWay.TryAnother : NoWay.Final, reason, detail);
    }
}
