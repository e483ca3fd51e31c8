using System.Net;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Inbound.Probes;
using Ambient.NodeProxy.Policy;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Inbound;

/// <summary>One plain connection to a pod: nobody proved anything, so the pod's mode decides.</summary>
/// <remarks>
/// <code>
///   arrived --from a peer that may dial tunnels here--> watching --our ClientHello--> InboundTunnel's
///      |                                                   |
///      |&lt;----------anything else, or 100 ms--------------'
///      |--allowed--> opening --> joined
///      |--refused, but its own node calls a port with probes--> probing --as declared--> opening --> joined, guarded
///      |                                                           '--else--> over
///      |--refused as plaintext, but the client's node speaks tunnels--> settling --the view changes--> opening --> joined
///      |                                                                   '--1 s--> over
///      '--refused--> over
/// </code>
/// While it is watched or probed, its bytes and the app's stay in the kernel.
/// </remarks>
internal sealed class InboundConnection : IConnectionOwner, IPodUser
{
    // How long a tunnel's ClientHello is waited for before anything is let through, the app's first bytes included: at most 100 ms, and
    // a timer of the loop is up to 8 ms late.
    private static readonly TimeSpan HoldFor = TimeSpan.FromMilliseconds(90);

    // A ClientHello is there within a millisecond or so, and then the app need not see a connection that ends without a byte; an app
    // that speaks first is opened long before its bytes may go.
    private static readonly TimeSpan OpenAfter = TimeSpan.FromMilliseconds(20);

    // kubelet gives up after a second by default; whoever is silent that long is no probe.
    private static readonly TimeSpan ProbePatience = TimeSpan.FromSeconds(10);

    // Nodes are told one after the other, by different controllers, that a pod leaves the mesh. A node that was told first already speaks
    // plaintext to it; that is no offence before this node can have been told too.
    private static readonly TimeSpan SettleFor = TimeSpan.FromSeconds(1);

    private enum State { Deciding, Watching, Probing, Settling, Joined, Over }

    private readonly InboundLoop _inbound;
    private readonly InboundContext _context;
    private readonly PodOnLoop _pod;
    private readonly SocketConnection _downstream;
    private readonly IPEndPoint _client;
    private readonly IPEndPoint _target;
    private readonly LoopTimer _deadline;
    private readonly LoopTimer _openEarly;
    private Workload? _destination;
    private FirstBytes? _first;
    private ProbeReader? _probe;
    private AppOpener? _opener;
    private SocketConnection? _app;
    private Session? _session;
    private State _state = State.Deciding;
    private long _settleUntilTicks;
    private bool _mayJoin;
    private bool _isAnswered;

    public InboundConnection(InboundLoop inbound, PodOnLoop pod, int fd, IPEndPoint client, IPEndPoint target)
    {
        _inbound = inbound;
        _context = inbound.Context;
        _pod = pod;
        _client = client;
        _target = target;
        _downstream = SocketConnection.Adopt(_context.Loop, fd);
        _downstream.Owner = this;
        _deadline = new LoopTimer(OnDeadline);
        _openEarly = new LoopTimer(Open);
    }

    public void Start()
    {
        _pod.Add(this, PodUse.OpeningIn);
        var view = _context.Views.Current;
        if (PodListeners.IsOwnPort(_target.Port))
        {
            Refuse(RefusalReason.OwnPort, $"port {_target.Port} belongs to the mesh");
        }
        else if (!view.TryFindWorkloadByUid(_pod.Uid, out _destination))
        {
            Refuse(RefusalReason.PodNotReady, "the controller has not named this pod yet");
        }
        else if (!_destination.Addresses.Contains(_target.Address) && !_pod.Addresses.Contains(_target.Address))
        {
            // The rules give us all that is sent to the pod's interface, and from inside its namespace a way may lead there.
            Refuse(RefusalReason.BadAuthority, $"{_target.Address} is no address of this pod");
        }
        else if (MayDialTunnels(_context.Views, _client.Address))
        {
            Watch(_destination);
        }
        else
        {
            Authorise(_destination);
        }
    }

    /// <summary>A new view was published while it waits for one.</summary>
    public void OnView()
    {
        if (_state == State.Settling) Resume(); // what the view did to another may have ended it
    }

    /// <inheritdoc/>
    public int Descriptors => 2;

    /// <inheritdoc/>
    public void Cut(string reason) => Refuse(RefusalReason.PodGone, reason);

    void IConnectionOwner.OnSendEnded(Connection connection)
    {
    }

    void IConnectionOwner.OnBroken(Connection connection)
    {
        if (connection == _downstream) Leave();
        else _app = null; // the app hung up before anything was decided; it is asked again when it is
    }

    // Only a captured pod has a node that dials for it; one that the view does not know may be newer than the view.
    private static bool MayDialTunnels(MeshViewHolder views, IPAddress client)
    {
        var view = views.Current;
        if (!view.Settings.TunnelOnOriginalPort) return false;
        return view.TryFindWorkload(client, out var peer) ? peer.Enrolment != Enrolment.None : !views.IsNodes(view, client);
    }

    private void Watch(Workload destination)
    {
        _state = State.Watching;
        _context.Loop.Arm(_deadline, HoldFor);
        if (_context.Sessions.Guard.Decide(FactsOf(destination)).Allowed) _context.Loop.Arm(_openEarly, OpenAfter);
        Look(new TunnelHelloReader(OnUndecided));
    }

    private void Authorise(Workload destination)
    {
        var decision = _context.Sessions.Guard.Decide(FactsOf(destination));
        if (decision.Allowed)
        {
            Deliver();
        }
        else if (DeclaredProbes.Find(_context.Views, destination, _client.Address, _target.Port, decision.IsExplicit) is { Count: > 0 } probes)
        {
            Probe(probes);
        }
        else if (decision.IsByMode && MayKnowMore())
        {
            Settle();
        }
        else
        {
            RefuseBy(decision);
        }
    }

    // The address proves nothing, and nothing follows from it but the wait.
    private bool MayKnowMore() =>
        (_settleUntilTicks == 0 || _context.Loop.NowTicks < _settleUntilTicks)
        && _context.Views.Current.TryFindWorkload(_client.Address, out var peer) && peer.Enrolment is Enrolment.Enrolled or Enrolment.Withdrawing;

    private void Settle()
    {
        if (_settleUntilTicks == 0) _settleUntilTicks = _context.Loop.NowTicks + SettleFor.Ticks;
        _state = State.Settling;
        _inbound.WaitForView(this);
        _context.Loop.Arm(_deadline, TimeSpan.FromTicks(_settleUntilTicks - _context.Loop.NowTicks));
    }

    private ConnectionFacts FactsOf(Workload destination) => new(null, _client.Address, destination, _target.Port, ProtectedInProcessOrTunnel: false);

    private void RefuseBy(in Decision decision) =>
        Refuse(decision.IsByMode ? RefusalReason.PlaintextUnderStrict : RefusalReason.Denied, decision.Rule);

    private void Probe(IReadOnlyList<Probe> probes)
    {
        _state = State.Probing;
        _context.Loop.Arm(_deadline, ProbePatience);
        // A connect is all that a TCP probe is, so the app has to see one; any other is asked nothing before its question is known.
        if (probes.Any(probe => probe.Kind == ProbeKind.Tcp)) Open();
        Look(_probe = new ProbeReader(probes));
    }

    private void Look(IFirstBytesReader reader)
    {
        _first = new FirstBytes(_downstream, reader, OnLook);
        _first.Start();
    }

    private void OnLook(Look look)
    {
        switch (_state, look.Kind)
        {
            case (State.Watching, LookKind.Divert):
                BecomeTunnel();
                break;
            case (State.Watching, _):
                EndWatch(keepWatching: false);
                break;
            case (State.Probing, LookKind.Refuse):
                Refuse(RefusalReason.ProbeRefused, look.Reason);
                break;
            case (State.Probing, LookKind.Finish):
                FinishProbe();
                break;
            case (State.Probing, _):
                _context.Loop.Timers.Cancel(_deadline);
                CountProbe();
                Deliver();
                break;
            case (State.Joined, LookKind.Divert):
                CutJoined(RefusalReason.TunnelTooLate, "a tunnel's ClientHello came when the app's bytes were already let through");
                break;
            case (State.Joined, _):
                CutJoined(RefusalReason.ProbeRefused, look.Reason);
                break;
            case (State.Deciding or State.Settling or State.Over, _):
                break;
        }
    }

    private void OnDeadline()
    {
        if (_state == State.Watching) EndWatch(keepWatching: !_first!.HasSeenAny);
        else if (_state == State.Joined) _first!.Open();
        else if (_state == State.Settling) Resume();
        else Refuse(RefusalReason.ProbeRefused, $"no probe was asked for within {ProbePatience.TotalSeconds:0} s");
    }

    // A late ClientHello in two segments: the second is waited for as long as the first was.
    private void OnUndecided()
    {
        if (_state == State.Joined && !_deadline.IsArmed) _context.Loop.Arm(_deadline, HoldFor);
    }

    // Who said nothing yet may still say our ClientHello. The app never gets to see that.
    private void EndWatch(bool keepWatching)
    {
        _context.Loop.Timers.Cancel(_deadline);
        _context.Loop.Timers.Cancel(_openEarly);
        _first!.Stop();
        if (!keepWatching) _first = null;
        _state = State.Deciding;
        Authorise(_destination!);
    }

    private void Resume()
    {
        _inbound.StopWaiting(this);
        _context.Loop.Timers.Cancel(_deadline);
        _state = State.Deciding;
        Authorise(_destination!);
    }

    private void BecomeTunnel()
    {
        int fd = _downstream.Detach();
        Leave();
        _inbound.OnTunnelAt(_target, _pod, fd, _client);
    }

    private void Deliver()
    {
        _mayJoin = true;
        if (_app is not null) Join(_app);
        else Open();
    }

    private void Open() => _opener ??= AppOpener.Start(_pod, seenAs: _client.Address, _target, OnOpened);

    private void OnOpened(SocketConnection? app, RefusalReason reason, string detail)
    {
        _opener = null;
        if (app is not null)
        {
            _app = app;
            app.Owner = this;
        }

        if (_isAnswered && app is not null) FinishProbe();
        else if (_mayJoin && app is not null) Join(app);
        else if (app is null && _state != State.Watching) Refuse(reason, detail);
    }

    private void Join(SocketConnection app)
    {
        ConnectionFacts? admitted = null; // a probe passes for what it asks, whatever policies come
        if (_probe is null)
        {
            admitted = FactsOf(_destination!);
            var decision = _context.Sessions.Guard.Decide(admitted.Value); // the view may have changed while the app was being connected to
            if (!decision.Allowed)
            {
                RefuseBy(decision);
                return;
            }
        }

        _context.Loop.Timers.Cancel(_deadline);
        _state = State.Joined;
        var view = _context.Views.Current;
        view.TryFindWorkload(_client.Address, out var source);
        var key = Edges.FromDestination(view.Settings.TrustDomain, source, null, _destination!, Way.Plain, Protection.Plaintext, _context.Views.IsNodes(view, _client.Address));
        var edge = _context.Metrics.Edge(ref key);
        var facts = new SessionFacts(key, _client, _context.Loop.Addresses.Shared(_target)) { Admitted = admitted };
        _session = Session.Start(_context.Sessions, facts, edge, _pod, null, _downstream, app);
        _first?.Guard(app);
        _pod.Remove(this); // after the session has taken its place: a pod that drains must not look empty in between
    }

    private void CutJoined(RefusalReason reason, string detail)
    {
        _context.Loop.Timers.Cancel(_deadline);
        Say(reason, detail);
        _session!.Cut(detail);
    }

    // The client has connected and ended, which was all it wanted; the app sees the same.
    private void FinishProbe()
    {
        _isAnswered = true;
        _context.Loop.Timers.Cancel(_deadline);
        if (_app is null)
        {
            if (_opener is null) Refuse(RefusalReason.ConnectFailed, $"{_target} hung up on a probe");
            return;
        }

        CountProbe();
        _downstream.CloseAfterSending();
        Leave();
    }

    private void CountProbe()
    {
        var probe = _probe!.Taken!;
        _context.Metrics.ProbePassed(probe.Kind);
        NodeLog.ProbePassed(_context.Links.Logger, _client, _target, Name, DeclaredProbes.Describe(probe));
    }

    private string Name => _destination is null ? _pod.Uid : $"{_destination.Namespace}/{_destination.Name}";

    private void Refuse(RefusalReason reason, string detail)
    {
        if (_state is State.Joined or State.Over) return;
        Say(reason, detail);
        _downstream.Abort(ConnectionFault.Ended);
        Leave();
    }

    private void Say(RefusalReason reason, string detail) =>
        _context.Refusals.Add(Reporter.Destination, reason, Name, _client, _target, detail);

    private void Leave()
    {
        if (_state is State.Joined or State.Over) return;
        if (_state == State.Settling) _inbound.StopWaiting(this);
        _state = State.Over;
        _context.Loop.Timers.Cancel(_deadline);
        _context.Loop.Timers.Cancel(_openEarly);
        _first?.Stop();
        _pod.Remove(this);
        _opener?.Cancel();
        if (_isAnswered) _app?.CloseAfterSending(); // a probe that was all it wanted to be
        else _app?.Abort(ConnectionFault.OtherSide);
    }
}
