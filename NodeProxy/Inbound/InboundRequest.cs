using System.Net;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Policy;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Inbound;

/// <summary>
/// One CONNECT of a verified peer: checks, decides, connects to the app with the client's address as source, and only then
/// answers 200.
/// </summary>
/// <remarks>Answers: 400 method or authority, 401 denied, 503 not reachable; each with its reason in <c>ambient-reason</c>.</remarks>
internal sealed class InboundRequest : IConnectionOwner, IPodUser
{
    private readonly InboundTunnel _tunnel;
    private readonly InboundContext _context;
    private readonly TunnelStream _stream;
    private readonly IPEndPoint _target;
    private readonly Workload _destination;
    private AppOpener? _opener;
    private bool _isOver;

    private InboundRequest(InboundTunnel tunnel, TunnelStream stream, IPEndPoint target, Workload destination)
    {
        _tunnel = tunnel;
        _context = tunnel.Context;
        _stream = stream;
        _target = target;
        _destination = destination;
    }

    /// <summary>Takes a request over. Headers are read within this call.</summary>
    public static void Start(InboundTunnel tunnel, TunnelStream stream, HeaderList headers)
    {
        var context = tunnel.Context;
        if (!ConnectHeaders.TryReadRequest(headers, out string authority, out string fault))
        {
            Refuse(tunnel, stream, null, 400, RefusalReason.BadRequest, fault);
        }
        else if (!Authority.TryParse(authority, out var target))
        {
            Refuse(tunnel, stream, null, 400, RefusalReason.BadAuthority, "the authority is not address:port");
        }
        else if (tunnel.OnlyTarget is { } only && !only.Equals(target))
        {
            Refuse(tunnel, stream, target, 400, RefusalReason.BadAuthority, $"this tunnel came in on {only} and leads nowhere else");
        }
        else if (!context.Views.Current.TryFindWorkloadByUid(tunnel.Pod.Uid, out var destination))
        {
            Refuse(tunnel, stream, target, 503, RefusalReason.PodNotReady, "the controller has not named this pod yet");
        }
        else if (!destination.Addresses.Contains(target.Address))
        {
            Refuse(tunnel, stream, target, 400, RefusalReason.BadAuthority, $"{target.Address} is no address of this pod");
        }
        else if (PodListeners.IsOwnPort(target.Port))
        {
            Refuse(tunnel, stream, target, 503, RefusalReason.OwnPort, $"port {target.Port} belongs to the mesh");
        }
        else if (PodRoom.RefusalOf(tunnel.Pod, out var reason, out string detail))
        {
            Refuse(tunnel, stream, target, 503, reason, detail);
        }
        else if (!tunnel.Pod.MayOpen(PodUse.OpeningStream))
        {
            Refuse(tunnel, stream, target, 503, RefusalReason.Overloaded, $"{PodOnLoop.MaxOpening} streams to this pod are being opened");
        }
        else
        {
            new InboundRequest(tunnel, stream, target, destination).Open();
        }
    }

    /// <inheritdoc/>
    public int Descriptors => 1;

    /// <inheritdoc/>
    public void Cut(string reason) => Refuse(503, RefusalReason.PodGone, reason);

    void IConnectionOwner.OnSendEnded(Connection connection)
    {
    }

    // The peer reset the stream, or its link is lost, while the app was being connected to.
    void IConnectionOwner.OnBroken(Connection connection) => Leave();

    private void Open()
    {
        _stream.Owner = this;
        _tunnel.Pod.Add(this, PodUse.OpeningStream);
        if (IsAllowed(Facts)) _opener = AppOpener.Start(_tunnel.Pod, seenAs: _tunnel.PeerAddress.Address, _target, OnOpened);
    }

    private ConnectionFacts Facts => new(_tunnel.Peer, _tunnel.PeerAddress.Address, _destination, _target.Port, ProtectedInProcessOrTunnel: true);

    private bool IsAllowed(in ConnectionFacts facts)
    {
        var decision = _context.Sessions.Guard.Decide(facts);
        if (!decision.Allowed) Refuse(401, RefusalReason.Denied, decision.Rule);
        return decision.Allowed;
    }

    private void OnOpened(SocketConnection? app, RefusalReason reason, string detail)
    {
        _opener = null;
        if (app is null)
        {
            Refuse(503, reason, detail);
            return;
        }

        var facts = Facts;
        if (!IsAllowed(facts)) // the view may have changed while the app was being connected to
        {
            app.Abort(ConnectionFault.OtherSide);
            return;
        }

        _isOver = true;
        var view = _context.Views.Current;
        view.TryFindWorkload(_tunnel.PeerAddress.Address, out var source);
        var key = Edges.FromDestination(view.Settings.TrustDomain, source, _tunnel.Peer, _destination, Way.Tunnel, Protection.MutualTls);
        var edge = _context.Metrics.Edge(ref key);
        var told = new SessionFacts(key, _tunnel.PeerAddress, _context.Loop.Addresses.Shared(_target)) { Admitted = facts };
        _stream.Accept();
        Session.Start(_context.Sessions, told, edge, _tunnel.Pod, null, _stream, app);
        _tunnel.Pod.Remove(this); // after the session has taken its place: a pod that drains must not look empty in between
    }

    private void Refuse(int status, RefusalReason reason, string detail)
    {
        if (_isOver) return;
        Refuse(_tunnel, _stream, _target, status, reason, detail);
        Leave();
    }

    private void Leave()
    {
        if (_isOver) return;
        _isOver = true;
        _tunnel.Pod.Remove(this);
        _opener?.Cancel();
    }

    private static void Refuse(InboundTunnel tunnel, TunnelStream stream, IPEndPoint? target, int status, RefusalReason reason, string detail)
    {
        tunnel.Context.Refusals.Add(Reporter.Destination, reason, tunnel.Pod.Uid, tunnel.PeerAddress, target, detail);
        stream.Refuse(status, detail);
    }
}
