using Ambient.Native.Descriptors;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Model;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// Takes pods in and lets them go, in the order that the design binds us to. It lives on the control loop and reaches the data
/// loops by posting.
/// </summary>
/// <remarks>
/// <code>
///   listeners arrive -> (view and certificate here) -> accept on the home loop -> say ready -> CAPTURED
///   QUIET -> connections drain or are cut -> say drained -> RELEASED -> forget        GONE -> close everything, forget
/// </code>
/// </remarks>
internal sealed class CaptureCoordinator : IRedirectorPeer, IOrderCarrier
{
    // A captured pod whose certificate or view does not come: from here on its connections are accepted and refused with a reason.
    private static readonly TimeSpan AcceptAnywayAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TickEvery = TimeSpan.FromMilliseconds(100);

    private readonly EventLoop _control;
    private readonly CaptureTargets _targets;
    private readonly Func<string, string?> _missingFor;
    private readonly Func<TimeSpan> _drain;
    private readonly ReportOutbox _reports;
    private readonly Action<IReadOnlyDictionary<string, double>> _counters;
    private readonly Action<NonTcpTraffic> _nonTcp;
    private readonly Action<MachineAddresses> _machine;
    private readonly NodeCapacity _capacity;
    private readonly ILogger _logger;
    private readonly RedirectorChannel _channel;
    private readonly RedirectorDeposits _deposits;
    private readonly SocketRequests _requests;
    private readonly Dictionary<string, CapturedPod> _pods = [];
    private readonly LoopTimer _tick;
    private readonly Canary _canary;
    private bool _isStopping;
    private int _arrivals;

    public CaptureCoordinator(CaptureSettings settings, CaptureTargets targets, ILogger logger)
    {
        _control = settings.Control;
        _targets = targets;
        _missingFor = settings.MissingFor;
        _drain = settings.Drain;
        _reports = settings.Reports;
        _counters = settings.Counters;
        _nonTcp = settings.NonTcp;
        _machine = settings.Machine;
        _capacity = settings.Capacity;
        _logger = logger;
        _channel = new RedirectorChannel(_control, settings.Connect, this, logger);
        _deposits = new RedirectorDeposits(_channel, settings.Restore, logger);
        _requests = new SocketRequests(_control, message => _channel.Send(message));
        _tick = new LoopTimer(OnTick);
        _canary = new Canary(targets.Loops[0], settings.Reports, logger);
    }

    /// <summary>Pods whose rules are in force. Any thread.</summary>
    public int CapturedPods { get; private set; }

    /// <summary>Whether Redirector answers. Any thread.</summary>
    public bool IsRedirectorConnected => _channel.IsConnected;

    /// <inheritdoc/>
    IEnumerable<string> IRedirectorPeer.PodsHeld => _pods.Keys;

    public void Start() => _control.Post(() =>
    {
        _channel.Start();
        _control.Arm(_tick, TickEvery);
    });

    /// <summary>Stops to accept: connections wait in the backlogs for a successor. Any thread.</summary>
    /// <returns>Completes when no loop accepts any more.</returns>
    public Task StopAcceptingAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _control.Post(() =>
        {
            _isStopping = true;
            _deposits.Stop();
            _canary.Stop();
            int accepting = _pods.Count;
            if (accepting == 0) done.SetResult();
            foreach (var pod in _pods.Values)
            {
                pod.Home.Post(() =>
                {
                    pod.Listeners.Pause();
                    _control.Post(() =>
                    {
                        if (--accepting == 0) done.SetResult();
                    });
                });
            }
        });
        return done.Task;
    }

    /// <inheritdoc/>
    public void Carry(SignedOrder order)
    {
        byte[] bytes = order.ToByteArray();
        _control.Post(() => _deposits.Pass(bytes));
    }

    /// <summary>What a successor needs, for Redirector to hold. Any thread.</summary>
    public void KeepState(byte[] state) => _control.Post(() => _deposits.Keep(state));

    /// <summary>View or certificates changed: some pod may be ready now. Any thread.</summary>
    public void Review() => _control.Post(ReviewPods);

    void IRedirectorPeer.OnDisconnected() => _requests.Clear();

    void IRedirectorPeer.OnMessage(ToNode message, List<Descriptor> descriptors)
    {
        switch (message.BodyCase)
        {
            case ToNode.BodyOneofCase.Hello:
                OnHello(message.Hello, descriptors);
                break;
            case ToNode.BodyOneofCase.Listeners:
                OnListeners(message.Listeners, descriptors);
                break;
            case ToNode.BodyOneofCase.Sockets:
                _requests.OnSockets(message.Sockets, descriptors);
                break;
            case ToNode.BodyOneofCase.Refused:
                _requests.OnRefused(message.Refused);
                break;
            case ToNode.BodyOneofCase.Status:
                OnStatus(message.Status);
                break;
            case ToNode.BodyOneofCase.Order:
                if (!message.Order.Accepted) NodeLog.OrderRefused(_logger, message.Order.Version, message.Order.Reason);
                break;
            case ToNode.BodyOneofCase.GiveBack:
                if (_pods.TryGetValue(message.GiveBack.Uid, out var held))
                {
                    _channel.Send(new ToRedirector { Listeners = new ListenersReturned { Uid = held.Uid } }, held.Listeners.Numbers);
                }

                break;
            case ToNode.BodyOneofCase.Mended:
                NodeLog.CaptureMended(_logger, message.Mended.Uid, message.Mended.What, message.Mended.Milliseconds);
                break;
            case ToNode.BodyOneofCase.Counters:
                _counters(message.Counters.Values);
                break;
            case ToNode.BodyOneofCase.NonTcp:
                _nonTcp(message.NonTcp);
                break;
            case ToNode.BodyOneofCase.Canary:
                _canary.OnResult(message.Canary);
                break;
            case ToNode.BodyOneofCase.Machine:
                _machine(message.Machine);
                break;
            case ToNode.BodyOneofCase.Addresses:
                OnAddresses(message.Addresses);
                break;
            case ToNode.BodyOneofCase.None: // a newer Redirector says something that we do not know
                break;
        }
    }

    private void OnHello(RedirectorHello hello, List<Descriptor> descriptors)
    {
        NodeLog.RedirectorConnected(_logger, hello.Node, hello.OrderVersion);
        _deposits.Restore(hello.HasState ? descriptors.FirstOrDefault() : null);
        _requests.Clear(); // what was asked while nobody was there is asked again
        _deposits.GiveAgain();
        foreach (var pod in _pods.Values)
        {
            pod.SaidReadiness = null;
            foreach (var onLoop in pod.OnLoops) onLoop.Loop.Post(onLoop.Sockets.OnRedirectorChanged);
        }

        ReviewPods();
    }

    private void OnListeners(Ambient.Protocol.Redirector.V1.PodListeners message, List<Descriptor> descriptors)
    {
        if (descriptors.Count == 3 && message.Uid == Canary.Uid && !_isStopping)
        {
            _canary.Take([.. descriptors]);
            descriptors.Clear();
            return;
        }

        if (message.Uid == Canary.Uid || descriptors.Count != 3 || _pods.ContainsKey(message.Uid)) return; // held already: the copies are closed
        var listeners = new PodListeners(descriptors[0], descriptors[1], descriptors[2]);
        descriptors.Clear();
        var addresses = CaptureAddresses.Of(message);
        var pod = new CapturedPod(message.Uid, _targets.Loops.HomeOf(_arrivals++), listeners, _control.NowTicks);
        for (int i = 0; i < _targets.Loops.Count; i++)
        {
            int index = i;
            var onLoop = new PodOnLoop(pod.Uid, _targets.Loops[index], _requests, _capacity) { Addresses = addresses };
            pod.OnLoops.Add(onLoop);
            onLoop.Loop.Post(() => _targets.Pods[index].Add(onLoop));
        }

        var atHome = pod.OnLoops[pod.Home.Index];
        pod.Home.Post(atHome.Sockets.Fill);
        _pods.Add(pod.Uid, pod);
        NodeLog.ListenersArrived(_logger, pod.Uid, pod.Home.Index);
        ReviewPods();
    }

    private void OnAddresses(PodAddresses message)
    {
        if (!_pods.TryGetValue(message.Uid, out var pod)) return; // they come once more with its listeners
        var addresses = CaptureAddresses.Of(message);
        foreach (var onLoop in pod.OnLoops) onLoop.Loop.Post(() => onLoop.Addresses = addresses);
    }

    private void OnStatus(PodStatus status)
    {
        if (status.Uid == Canary.Uid) return; // no pod of the cluster; its result comes by itself
        _reports.Pod(new PodReport
        {
            Uid = status.Uid, Phase = status.Phase, Reason = status.Reason, ConnectionsFromBefore = status.ConnectionsFromBefore,
            ExcludedInboundPorts = { status.ExcludedInboundPorts },
        });
        NodeLog.PodStatus(_logger, status.Uid, status.Phase, status.Reason);
        if (!_pods.TryGetValue(status.Uid, out var pod)) return;
        // A pod that was leaving is wanted again: Redirector has to hear anew that we are ready.
        bool comesBack = pod.Phase == PodPhase.Quiet && status.Phase == PodPhase.Preparing;
        pod.Phase = status.Phase;
        if (comesBack) pod.SaidReadiness = null;
        switch (status.Phase)
        {
            case PodPhase.Quiet:
                pod.DrainDueTicks = _control.NowTicks + _drain().Ticks;
                foreach (var onLoop in pod.OnLoops) onLoop.Loop.Post(() => _targets.Handlers[onLoop.Loop.Index].OnPodDraining(onLoop));
                break;
            case PodPhase.Released:
                Forget(pod, "the pod has left the mesh");
                break;
            case PodPhase.Gone:
                Forget(pod, "the pod has ended");
                break;
            case PodPhase.Unspecified or PodPhase.Preparing or PodPhase.Captured or PodPhase.Unproved or PodPhase.Failed:
                break;
        }

        CapturedPods = _pods.Values.Count(p => p.Phase == PodPhase.Captured);
    }

    private void Forget(CapturedPod pod, string reason)
    {
        _pods.Remove(pod.Uid);
        pod.Home.Post(pod.Listeners.Dispose);
        foreach (var onLoop in pod.OnLoops)
        {
            onLoop.Loop.Post(() =>
            {
                int index = onLoop.Loop.Index;
                // A pod that came back under its UID meanwhile is another object, and stays.
                if (_targets.Pods[index].TryFind(onLoop.Uid, out var current) && current == onLoop) _targets.Pods[index].Remove(onLoop.Uid);
                onLoop.End(reason);
                _targets.Handlers[index].OnPodEnded(onLoop, reason);
            });
        }
    }

    private void ReviewPods()
    {
        if (_isStopping) return;
        foreach (var pod in _pods.Values)
        {
            string? missing = _missingFor(pod.Uid);
            if (missing is null || _control.NowTicks - pod.SinceTicks >= AcceptAnywayAfter.Ticks) Accept(pod);
            string said = missing ?? "";
            if (pod.SaidReadiness == said || !_channel.IsConnected || pod.Phase is PodPhase.Quiet) continue;
            pod.SaidReadiness = said;
            bool ready = missing is null;
            // Said from the home loop's side: after the listeners are really on it.
            pod.Home.Post(() => _control.Post(() => _channel.Send(new ToRedirector
            {
                Ready = new ReadyReport { Uid = pod.Uid, Ready = ready, Reason = said },
            })));
        }
    }

    private void Accept(CapturedPod pod)
    {
        if (pod.IsAccepting) return;
        pod.IsAccepting = true;
        var onLoop = pod.OnLoops[pod.Home.Index];
        pod.Home.Post(() => pod.Listeners.Accept(
            onLoop, _targets.Handlers[pod.Home.Index], error => NodeLog.AcceptExhausted(_logger, pod.Uid, error)));
    }

    private void OnTick()
    {
        _control.Arm(_tick, TickEvery);
        ReviewPods();
        _canary.Review(_channel.IsConnected, _control.NowTicks);
        foreach (var pod in _pods.Values)
        {
            if (pod.Phase != PodPhase.Quiet) continue;
            if (pod.OnLoops.Sum(p => p.UserCount) == 0)
            {
                _channel.Send(new ToRedirector { Drained = new DrainedReport { Uid = pod.Uid } });
            }
            else if (_control.NowTicks >= pod.DrainDueTicks)
            {
                foreach (var onLoop in pod.OnLoops) onLoop.Loop.Post(() => onLoop.CutAll("the pod has left the mesh"));
            }
        }
    }
}
