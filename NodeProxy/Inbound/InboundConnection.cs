using System.Net;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Policy;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Inbound;

/// <summary>One plain connection to a pod: nobody proved anything, so the pod's mode decides.</summary>
internal sealed class InboundConnection : IConnectionOwner, IPodUser
{
    private readonly InboundContext _context;
    private readonly PodOnLoop _pod;
    private readonly SocketConnection _downstream;
    private readonly IPEndPoint _client;
    private readonly IPEndPoint _target;
    private Workload? _destination;
    private AppOpener? _opener;
    private bool _isOver;

    public InboundConnection(InboundContext context, PodOnLoop pod, int fd, IPEndPoint client, IPEndPoint target)
    {
        _context = context;
        _pod = pod;
        _client = client;
        _target = target;
        _downstream = SocketConnection.Adopt(context.Loop, fd);
        _downstream.Owner = this;
    }

    public void Start()
    {
        _pod.Add(this, PodUse.OpeningIn);
        if (PodListeners.IsOwnPort(_target.Port))
        {
            Refuse(RefusalReason.OwnPort, $"port {_target.Port} belongs to the mesh");
        }
        else if (!_context.Views.Current.TryFindWorkloadByUid(_pod.Uid, out _destination))
        {
            Refuse(RefusalReason.PodNotReady, "the controller has not named this pod yet");
        }
        else if (!_destination.Addresses.Contains(_target.Address))
        {
            Refuse(RefusalReason.BadAuthority, $"{_target.Address} is no address of this pod");
        }
        else
        {
            Authorise(_destination);
        }
    }

    /// <inheritdoc/>
    public int Descriptors => 2;

    /// <inheritdoc/>
    public void Cut(string reason) => Refuse(RefusalReason.PodGone, reason);

    void IConnectionOwner.OnSendEnded(Connection connection)
    {
    }

    void IConnectionOwner.OnBroken(Connection connection) => Leave();

    private void Authorise(Workload destination)
    {
        if (IsAllowed(FactsOf(destination))) _opener = AppOpener.Start(_pod, seenAs: _client.Address, _target, OnOpened);
    }

    private ConnectionFacts FactsOf(Workload destination) => new(null, _client.Address, destination, _target.Port, ProtectedInProcessOrTunnel: false);

    private bool IsAllowed(in ConnectionFacts facts)
    {
        var decision = _context.Sessions.Guard.Decide(facts);
        if (!decision.Allowed) Refuse(decision.IsByMode ? RefusalReason.PlaintextUnderStrict : RefusalReason.Denied, decision.Rule);
        return decision.Allowed;
    }

    private void OnOpened(SocketConnection? app, RefusalReason reason, string detail)
    {
        _opener = null;
        if (app is null)
        {
            Refuse(reason, detail);
            return;
        }

        var facts = FactsOf(_destination!);
        if (!IsAllowed(facts)) // the view may have changed while the app was being connected to
        {
            app.Abort(ConnectionFault.OtherSide);
            return;
        }

        _isOver = true;
        var view = _context.Views.Current;
        view.TryFindWorkload(_client.Address, out var source);
        var key = Edges.FromDestination(view.Settings.TrustDomain, source, null, _destination!, Way.Plain, Protection.Plaintext);
        Session.Start(_context.Sessions, new SessionFacts(key, _client, _target) { Admitted = facts }, _context.Metrics.Edge(key), _pod, null, _downstream, app);
        _pod.Remove(this); // after the session has taken its place: a pod that drains must not look empty in between
    }

    private void Refuse(RefusalReason reason, string detail)
    {
        if (_isOver) return;
        string pod = _destination is null ? _pod.Uid : $"{_destination.Namespace}/{_destination.Name}";
        _context.Refusals.Add(Reporter.Destination, reason, pod, _client, _target, detail);
        _downstream.Abort(ConnectionFault.Ended);
        Leave();
    }

    private void Leave()
    {
        if (_isOver) return;
        _isOver = true;
        _pod.Remove(this);
        _opener?.Cancel();
    }
}
