using System.Net;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
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
internal sealed class OutboundConnection : IConnectionOwner, IPodUser, IWayOwner
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
    private readonly WayOpener _way;
    private readonly List<ReadyEndpoint> _tried = [];
    private ServiceView? _offering;
    private Workload? _source;
    private Route? _route;
    private string _lastFailure = "";
    private int _unprocessed;
    private bool _isAbandoned;
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
        _way = new WayOpener(outbound, pod, client, this);
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
        if (_isOver) return;
        _outbound.StopWaiting(this);
        Decide();
    }

    /// <summary>
    /// A new view is here while the way is being opened. An endpoint that it no longer offers is not waited for, if there is another one: its
    /// pod is ending, and nobody may be there any more who could say no.
    /// </summary>
    public void Reconsider()
    {
        if (_isOver || _isAbandoned || _route?.Endpoint is not { } endpoint || !_context.Views.Current.TryFindService(_wanted.Address, out var service) || ReferenceEquals(service, _offering)) return;
        _offering = service;
        if (!service.TryFindPort(_wanted.Port, out var port) || !service.HasReplaced(port, endpoint)) return;
        _way.GiveUp();
        ReleaseEndpoint();
        Decide();
    }

    /// <inheritdoc/>
    public int Descriptors => 2;

    /// <inheritdoc/>
    public void Cut(string reason)
    {
        if (_isAbandoned) Leave();
        else Refuse(RefusalReason.PodGone, reason);
    }

    void IConnectionOwner.OnSendEnded(Connection connection)
    {
    }

    // The app gave up while the way was being opened. A node that was asked for a stream answers first: what was asked keeps its place in
    // the pod's share until it was dealt with, so that an app which opens and resets without end waits for the other node instead of filling
    // it, and we never make what the other node must take for a rapid reset (CVE-2023-44487).
    void IConnectionOwner.OnBroken(Connection connection)
    {
        if (_isOver) return;
        _isAbandoned = _way.IsAsked;
        if (_isAbandoned) _context.Loop.Arm(_patience, PatienceWithOthersLeft);
        else Leave();
    }

    private void Decide()
    {
        var view = _context.Views.Current;
        if (!view.TryFindWorkloadByUid(_pod.Uid, out _source))
        {
            Refuse(RefusalReason.PodNotReady, "the controller has not named this pod yet");
            return;
        }

        _context.Loop.Timers.Cancel(_patience);
        view.TryFindNode(_context.Node, out var node);
        var caller = new Caller(_client.Address, _wanted.AddressFamily, _context.Node, node?.Zone ?? "", _context.Loop.NowTicks);
        _route = Classifier.Classify(_context.Views, view, _wanted, _context.Chooser, caller, _tried);
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
            case RouteKind.Plain:
            case RouteKind.Passthrough:
                _way.Open(_route, _source);
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

    void IWayOwner.OnWayOpen(OpenWay way)
    {
        if (_isOver || _isAbandoned)
        {
            way.Upstream.Abort(ConnectionFault.OtherSide);
            Leave();
            return;
        }

        _isOver = true;
        _outbound.StopOpening(this);
        _context.Loop.Timers.Cancel(_viewDeadline);
        _context.Loop.Timers.Cancel(_patience);
        var key = Edges.FromSource(_context.Views.Current.Settings.TrustDomain, _source!, _route!.Destination, _route.Service, way.Kind, way.Protection);
        var endpoint = _route.Endpoint;
        if (endpoint is not null) _context.Chooser.Answered(endpoint);
        var edge = _context.Metrics.Edge(ref key);
        var facts = new SessionFacts(key, _client, _context.Loop.Addresses.Shared(_route.Target)) { Admitted = way.Admitted };
        Session.Start(
            _context.Sessions, facts, edge, _pod, way.OtherPod,
            _downstream, way.Upstream, endpoint is null ? null : () => _context.Chooser.Ended(endpoint));
        _pod.Remove(this); // after the session has taken its place: a pod that drains must not look empty in between
    }

    void IWayOwner.OnNoWay(NoWay kind, RefusalReason reason, string detail)
    {
        if (_isAbandoned) Leave();
        if (_isOver) return;
        _lastFailure = detail;
        switch (kind)
        {
            case NoWay.NothingDone when _unprocessed < MaxUnprocessed:
                _unprocessed++;
                ReleaseEndpoint();
                Decide();
                break;
            case NoWay.NothingDone:
            case NoWay.TryAnother:
                TryAnother(reason, detail);
                break;
            case NoWay.Final:
                Refuse(reason, detail);
                break;
        }
    }

    private void OnPatienceOver()
    {
        if (_isAbandoned)
        {
            Leave();
            return;
        }

        _way.GiveUp();
        _lastFailure = $"no answer from {_route!.Target} within {PatienceWithOthersLeft.TotalSeconds:0} s";
        TryAnother(RefusalReason.ConnectTimedOut, _lastFailure);
    }

    private void TryAnother(RefusalReason reason, string detail)
    {
        if (_route!.Endpoint is not { } endpoint || _tried.Count >= MaxOtherEndpoints)
        {
            Refuse(reason, detail);
            return;
        }

        ReleaseEndpoint();
        bool wasSilent = reason is RefusalReason.ConnectTimedOut or RefusalReason.HandshakeTimedOut;
        _context.Chooser.Failed(endpoint, wasSilent, _context.Loop.NowTicks);
        _tried.Add(endpoint);
        Decide();
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
        _way.GiveUp();
        ReleaseEndpoint();
    }

    private void ReleaseEndpoint()
    {
        if (_route?.Endpoint is { } endpoint) _context.Chooser.Ended(endpoint);
        _route = _route is null ? null : _route with { Endpoint = null };
    }
}
