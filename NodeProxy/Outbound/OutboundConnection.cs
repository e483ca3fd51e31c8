using System.Net;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Policy;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Outbound;

/// <summary>One connection of an app, from its accept until it is joined to a way or refused.</summary>
/// <remarks>
/// <code>
///   deciding --known--> opening (direct | tunnel | plain | passthrough) --open--> joined
///      |  ^                |
///      |  '--- no, or nothing for 2 s: next endpoint, at most two more: no byte of the app was sent
///      '--unknown--> waiting for the view, 2 s --> deciding, or refused
/// </code>
/// The app's bytes stay in its socket until the way is open.
/// </remarks>
internal sealed class OutboundConnection : IConnectionOwner, IPodUser, ILinkWaiter, IStreamOpener
{
    private const int MaxOtherEndpoints = 2;

    // A link can say GOAWAY just when it is used, and so can the next one: a certificate's renewal and a proxy's replacement may coincide.
    private const int MaxUnprocessed = 4;
    private static readonly TimeSpan MaxWaitForView = TimeSpan.FromSeconds(2);

    // How long one endpoint may keep an app waiting while there are others: one lost SYN (sent again after 1 s) is forgiven. The last
    // one gets the time of whoever opens the way to it.
    private static readonly TimeSpan PatienceWithOthersLeft = TimeSpan.FromSeconds(2);

    private readonly OutboundLoop _outbound;
    private readonly OutboundContext _context;
    private readonly PodOnLoop _pod;
    private readonly SocketConnection _downstream;
    private readonly IPEndPoint _client;
    private readonly IPEndPoint _wanted;
    private readonly LoopTimer _viewDeadline;
    private readonly LoopTimer _patience;
    private readonly List<ReadyEndpoint> _tried = [];
    private ServiceView? _offering;
    private Workload? _source;
    private Route? _route;
    private AppOpener? _opener;
    private LinkKey? _linkKey;
    private TunnelStream? _stream;
    private PodOnLoop? _destinationPod;
    private ConnectionFacts? _directFacts;
    private string _lastFailure = "";
    private int _unprocessed;
    private bool _isOver;

    public OutboundConnection(OutboundLoop outbound, PodOnLoop pod, int fd, IPEndPoint client, IPEndPoint wanted)
    {
        _outbound = outbound;
        _context = outbound.Context;
        _pod = pod;
        _client = client;
        _wanted = wanted;
        _downstream = SocketConnection.Adopt(_context.Loop, fd);
        _downstream.Owner = this;
        _viewDeadline = new LoopTimer(() => Refuse(_route!.Reason, _route.Detail));
        _patience = new LoopTimer(OnPatienceOver);
    }

    public void Start()
    {
        _pod.Add(this, PodUse.OpeningOut);
        Decide();
    }

    /// <summary>A new view is here, and this connection waits for it.</summary>
    public void OnView()
    {
        _outbound.StopWaiting(this);
        Decide();
    }

    /// <summary>
    /// A new view is here while the way is being opened. An endpoint that it no longer offers is not waited for, if there is another one: its
    /// pod is ending, and nobody may be there any more who could say no.
    /// </summary>
    public void Reconsider()
    {
        if (_route?.Endpoint is not { } endpoint || !_context.Views.Current.TryFindService(_wanted.Address, out var service) || ReferenceEquals(service, _offering)) return;
        _offering = service;
        if (!service.TryFindPort(_wanted.Port, out var port) || !service.HasReplaced(port, endpoint)) return;
        GiveUpWay();
        ReleaseEndpoint();
        Decide();
    }

    /// <inheritdoc/>
    public int Descriptors => 2;

    /// <inheritdoc/>
    public void Cut(string reason) => Refuse(RefusalReason.PodGone, reason);

    void IConnectionOwner.OnSendEnded(Connection connection)
    {
    }

    // The app gave up while the way was being opened.
    void IConnectionOwner.OnBroken(Connection connection) => Leave();

    private void Decide()
    {
        var view = _context.Views.Current;
        if (!view.TryFindWorkloadByUid(_pod.Uid, out _source))
        {
            Refuse(RefusalReason.PodNotReady, "the controller has not named this pod yet");
            return;
        }

        (_destinationPod, _directFacts) = (null, null); // an endpoint before this one may have been on this node
        _context.Loop.Timers.Cancel(_patience);
        view.TryFindNode(_context.Node, out var node);
        var caller = new Caller(_client.Address, _wanted.AddressFamily, _context.Node, node?.Zone ?? "", _context.Loop.NowTicks);
        _route = Classifier.Classify(view, _wanted, _context.Chooser, caller, _tried);
        if (_route.Kind != RouteKind.Wait) _context.Loop.Timers.Cancel(_viewDeadline);
        if (_route.Endpoint is { } endpoint)
        {
            _context.Chooser.Started(endpoint);
            _outbound.StartOpening(this);
        }

        if (_route.HasOtherEndpoint && _tried.Count < MaxOtherEndpoints) _context.Loop.Arm(_patience, PatienceWithOthersLeft);
        switch (_route.Kind)
        {
            case RouteKind.Mesh:
                OpenInMesh(_route.Destination!);
                break;
            case RouteKind.Plain:
            case RouteKind.Passthrough:
                _opener = AppOpener.Start(_pod, seenAs: null, _route.Target, OnOpened);
                break;
            case RouteKind.Wait:
                _outbound.WaitForView(this);
                if (!_viewDeadline.IsArmed) _context.Loop.Arm(_viewDeadline, MaxWaitForView);
                break;
            case RouteKind.Refused:
                Refuse(_route.Reason, _lastFailure.Length == 0 ? _route.Detail : $"{_route.Detail}; the last one: {_lastFailure}");
                break;
        }
    }

    private void OpenInMesh(Workload destination)
    {
        var settings = _context.Views.Current.Settings;
        // Who has nothing to prove itself with does not get through, not even within the node.
        var id = _source!.IdentityIn(settings.TrustDomain);
        var credentials = _context.Credentials.Current(_pod.Uid, id);
        if (credentials is null)
        {
            Refuse(RefusalReason.NoCertificate, $"no certificate for {id} yet");
            return;
        }

        // What a pod says to itself never leaves its namespace, so there is no policy of the network to bypass.
        bool mayStayInProcess = destination.Uid == _pod.Uid || (destination.Node == _context.Node && settings.DirectAllowed
            && destination.DirectForbiddenReason is null && _source!.DirectForbiddenReason is null);
        if (mayStayInProcess && _context.Pods.TryFind(destination.Uid, out _destinationPod))
        {
            OpenDirect(destination, settings.TrustDomain);
            return;
        }

        var pool = _outbound.PoolOf(_pod);
        var entry = EntryOf(destination, settings);
        var address = entry == TunnelEntry.OriginalPort ? _route!.Target : new IPEndPoint(_route!.Target.Address, PodListeners.TunnelPort);
        _linkKey = new LinkKey(destination.Uid, address, entry, destination.IdentityIn(settings.TrustDomain), credentials.Svid.Generation);
        pool.Acquire(_linkKey, credentials, this);
    }

    private static TunnelEntry EntryOf(Workload destination, MeshSettings settings) =>
        settings.TunnelOnOriginalPort && destination.Capabilities.Contains(NodeCapabilities.TunnelOnOriginalPort)
            ? TunnelEntry.OriginalPort
            : TunnelEntry.TunnelPort;

    // Both pods are here: the destination's policy is evaluated on this loop, with the identity that the source would prove.
    private void OpenDirect(Workload destination, string trustDomain)
    {
        _directFacts = new ConnectionFacts(
            _source!.IdentityIn(trustDomain), _client.Address, destination, _route!.Target.Port, ProtectedInProcessOrTunnel: true);
        if (IsDirectAllowed()) _opener = AppOpener.Start(_destinationPod!, AddressSeenAt(_route.Target.Address), _route.Target, OnOpened);
    }

    // The client's own address, or, for a service whose only endpoints have the other family, the same pod's address of that one.
    private IPAddress? AddressSeenAt(IPAddress target)
    {
        if (_client.AddressFamily == target.AddressFamily) return _client.Address;
        foreach (var address in _source!.Addresses)
        {
            if (address.AddressFamily == target.AddressFamily) return address;
        }

        return null;
    }

    private bool IsDirectAllowed()
    {
        if (_directFacts is not { } facts) return true;
        var decision = _context.Sessions.Guard.Decide(facts);
        if (!decision.Allowed) Refuse(RefusalReason.Denied, decision.Rule);
        return decision.Allowed;
    }

    private void OnOpened(SocketConnection? upstream, RefusalReason reason, string detail)
    {
        _opener = null;
        if (upstream is null)
        {
            TryNext(reason, detail);
            return;
        }

        if (!IsDirectAllowed()) // the view may have changed while the app was being connected to
        {
            upstream.Abort(ConnectionFault.OtherSide);
            return;
        }

        var (way, protection) = _destinationPod is not null ? (Way.Direct, Protection.InMemory)
            : _route!.Kind == RouteKind.Passthrough ? (Way.Passthrough, Protection.Plaintext)
            : (Way.Plain, Protection.Plaintext);
        Join(upstream, way, protection);
    }

    void ILinkWaiter.OnLink(Link link)
    {
        _linkKey = null;
        _stream = link.Open(new ConnectRequest(_route!.Target, _client, Baggage()), this);
    }

    void ILinkWaiter.OnNoLink(RefusalReason reason, string detail)
    {
        _linkKey = null;
        TryNext(reason, detail);
    }

    void IStreamOpener.OnOpened(TunnelStream stream)
    {
        _stream = null;
        Join(stream, Way.Tunnel, Protection.MutualTls);
    }

    void IStreamOpener.OnRefused(TunnelStream stream, int status, string reason)
    {
        _stream = null;
        string detail = $"{_route!.Target} answered {status}: {reason}";
        // 503 is "the app did not answer there", 400 "this is not the pod you mean", which an old view leads to; 401 would be the same anywhere.
        if (status is 503 or 400) TryNext(RefusalReason.TunnelRefused, detail);
        else Refuse(status == 401 ? RefusalReason.Denied : RefusalReason.TunnelRefused, detail);
    }

    void IStreamOpener.OnOpenFailed(TunnelStream stream, bool isUnprocessed)
    {
        _stream = null;
        if (isUnprocessed && _unprocessed < MaxUnprocessed)
        {
            _unprocessed++;
            ReleaseEndpoint();
            Decide();
            return;
        }

        TryNext(RefusalReason.TunnelLost, $"the tunnel to {_route!.Target} was lost before it answered");
    }

    private void OnPatienceOver()
    {
        GiveUpWay();
        TryNext(RefusalReason.ConnectTimedOut, $"no answer from {_route!.Target} within {PatienceWithOthersLeft.TotalSeconds:0} s");
    }

    private void TryNext(RefusalReason reason, string detail)
    {
        if (_isOver) return;
        _lastFailure = detail;
        // A peer that is not who it should be has got nothing but a handshake: its address may be another pod's by now.
        bool mayHelp = reason is RefusalReason.ConnectFailed or RefusalReason.ConnectTimedOut or RefusalReason.TunnelRefused
            or RefusalReason.TunnelLost or RefusalReason.HandshakeFailed or RefusalReason.HandshakeTimedOut
            or RefusalReason.PeerIdentityUnexpected or RefusalReason.PeerUntrusted
            // No sockets of the destination's namespace: that pod has ended. Without sockets of its own a pod gets nowhere.
            || (reason is RefusalReason.NoSockets && _destinationPod is not null);
        if (mayHelp && _route!.Endpoint is { } endpoint && _tried.Count < MaxOtherEndpoints)
        {
            ReleaseEndpoint();
            bool wasSilent = reason is RefusalReason.ConnectTimedOut or RefusalReason.HandshakeTimedOut;
            _context.Chooser.Failed(endpoint, wasSilent, _context.Loop.NowTicks);
            _tried.Add(endpoint);
            Decide();
            return;
        }

        Refuse(reason, detail);
    }

    private void Join(Connection upstream, Way way, Protection protection)
    {
        if (_isOver)
        {
            upstream.Abort(ConnectionFault.OtherSide);
            return;
        }

        _isOver = true;
        _outbound.StopOpening(this);
        _context.Loop.Timers.Cancel(_viewDeadline);
        _context.Loop.Timers.Cancel(_patience);
        var key = Edges.FromSource(_context.Views.Current.Settings.TrustDomain, _source!, _route!.Destination, _route.Service, way, protection);
        var endpoint = _route.Endpoint;
        if (endpoint is not null) _context.Chooser.Answered(endpoint);
        Session.Start(
            _context.Sessions, new SessionFacts(key, _client, _route.Target) { Admitted = _directFacts }, _context.Metrics.Edge(key), _pod, _destinationPod,
            _downstream, upstream, endpoint is null ? null : () => _context.Chooser.Ended(endpoint));
        _pod.Remove(this); // after the session has taken its place: a pod that drains must not look empty in between
    }

    private void Refuse(RefusalReason reason, string detail)
    {
        if (_isOver) return;
        _context.Refusals.Add(Reporter.Source, reason, _source is null ? _pod.Uid : $"{_source.Namespace}/{_source.Name}", _client, _wanted, detail);
        _downstream.Abort(ConnectionFault.Ended);
        Leave();
    }

    // Over without a way: everything that was under way is given up.
    private void Leave()
    {
        if (_isOver) return;
        _isOver = true;
        _context.Loop.Timers.Cancel(_viewDeadline);
        _context.Loop.Timers.Cancel(_patience);
        _outbound.StopWaiting(this);
        _outbound.StopOpening(this);
        _pod.Remove(this);
        GiveUpWay();
        ReleaseEndpoint();
    }

    // A link that is being dialled goes on without us: the next connection finds it open, or learns why not.
    private void GiveUpWay()
    {
        _opener?.Cancel();
        _opener = null;
        if (_linkKey is not null) _outbound.PoolOf(_pod).Forget(_linkKey, this);
        _linkKey = null;
        var stream = _stream;
        _stream = null;
        stream?.Abort(ConnectionFault.OtherSide);
    }

    private void ReleaseEndpoint()
    {
        if (_route?.Endpoint is { } endpoint) _context.Chooser.Ended(endpoint);
        _route = _route is null ? null : _route with { Endpoint = null };
    }

    private string Baggage() => $"k8s.namespace.name={_source!.Namespace},k8s.pod.name={_source.Name}";
}
