using Ambient.Native.Descriptors;
using Ambient.Native.Unix;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Orders;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Canary;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Handover;
using Ambient.Redirector.Loop;
using Ambient.Redirector.Namespaces;
using Ambient.Redirector.Nodes;
using Ambient.Redirector.Orders;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Redirector;

/// <summary>
/// The whole of a node's capture: the order in force, its pods, the NodeProxies. It decides what a NodeProxy's message may do; nothing
/// that comes from one is believed without the controller's signature or the kernel's word. Owned by the loop.
/// </summary>
internal sealed partial class Redirection : INodeReceiver
{
    private const uint ProtocolVersion = 1;
    private const int SessionBytes = 16, MaxPodsHeld = 10_000;
    private const long MaxStateBytes = 256L << 20;

    private static readonly TimeSpan _countersInterval = TimeSpan.FromSeconds(1), _machineInterval = TimeSpan.FromSeconds(5);

    private readonly RedirectorOptions _options;
    private readonly CaptureTools _tools;
    private readonly OrderBook _orders;
    private readonly OrderKey _key;
    private readonly Dictionary<string, PodCapture> _pods = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PodStatus> _refused = new(StringComparer.Ordinal);
    private readonly TokenBucket _logBudget, _helloBudget;
    private readonly CanaryWatch _canary;
    private readonly HostAddresses _host;
    private ToNode _machine = new() { Machine = new MachineAddresses() };
    private Descriptor? _state;
    private long _greetings;
    private long _countersTold, _countersToldTo;

    /// <param name="key">What <paramref name="orders"/> are judged by.</param>
    public Redirection(RedirectorOptions options, CaptureTools tools, OrderBook orders, OrderKey key)
    {
        (_options, _tools, _orders, _key) = (options, tools, orders, key);
        _logBudget = new TokenBucket(20, 2, tools.Loop.Time);
        _helloBudget = new TokenBucket(1, 1, tools.Loop.Time);
        _host = new HostAddresses(options.HostNet);
        _canary = new CanaryWatch(tools, options.CanaryService, () => tools.Nodes.Tell(() => new ToNode { Canary = _canary!.Result }));
    }

    /// <summary>Takes up what an earlier Redirector left, before anybody connects.</summary>
    public void Restore()
    {
        _state = _tools.Inheritance.State;
        foreach (var record in _tools.Ledger.Load(_tools.BootId))
        {
            var pod = CapturedPod.Parser.ParseFrom(record.Pod);
            if (pod.Uid == CanaryWatch.Uid)
            {
                _tools.Ledger.Remove(pod.Uid); // its namespace went with the process that made it
                continue;
            }
            _pods[pod.Uid] = new PodCapture(pod, record, _tools, OnFinished);
            _pods[pod.Uid].Restore(record);
        }
        if (_orders.TryRestore(out string reason))
        {
            _tools.Log.OrderRestored(_orders.InForce!.Version, _orders.InForce.BootId, _orders.InForce.Pods.Count);
            Apply(_orders.InForce);
        }
        else if (reason.Length > 0)
        {
            _tools.Log.StoredOrderRefused(reason);
        }
        foreach (var pod in _pods.Values.ToList())
            pod.Resume(); // also one that no order speaks of, before anybody connects
        TellCountersLater();
        WatchKeyLater();
        LookAtMachine();
        _canary.Start(() => _pods[CanaryWatch.Uid] = new PodCapture(new CapturedPod { Uid = CanaryWatch.Uid }, record: null, _tools, OnFinished));
    }

    /// <summary>Takes a connection in.</summary>
    public void Add(SeqPacketSocket socket, bool isChannel)
    {
        var connection = new NodeConnection(_tools.Loop, socket, isChannel, this);
        _tools.Nodes.Add(connection);
        connection.AskForHello();
    }

    /// <summary>Hands on and closes what this process holds, and leaves rules, routes and settings as they are.</summary>
    public void Abandon(HandoverDoor successors)
    {
        successors.GiveAll(_pods.Where(p => p.Value is { Listeners: not null, IsCanary: false }).ToDictionary(p => p.Key, p => p.Value.Listeners!, StringComparer.Ordinal), _state);
        _canary.Dispose();
        foreach (var pod in _pods.Values)
            pod.Abandon();
        _state?.Dispose();
    }

    /// <inheritdoc/>
    public void OnMessage(NodeConnection from, ToRedirector message, List<Descriptor> descriptors)
    {
        if (!from.IsGreeted && message.BodyCase != ToRedirector.BodyOneofCase.Hello)
        {
            Refuse(from, CounterNames.PacketsRefused, "a message before Hello");
            if (_helloBudget.TryTake())
                from.AskForHello();
            return;
        }
        if (descriptors.Count != DescriptorsOf(message.BodyCase))
        {
            string name = message.BodyCase == ToRedirector.BodyOneofCase.Listeners ? CounterNames.ListenersRefused : CounterNames.PacketsRefused;
            Refuse(from, name, $"{message.BodyCase} with {descriptors.Count} descriptors");
            return;
        }
        switch (message.BodyCase)
        {
            case ToRedirector.BodyOneofCase.Hello: Greet(from, message.Hello); break;
            case ToRedirector.BodyOneofCase.Order: TakeOrder(from, descriptors[0]); break;
            case ToRedirector.BodyOneofCase.Sockets: GiveSockets(from, message.Sockets); break;
            case ToRedirector.BodyOneofCase.Listeners: TakeListeners(from, message.Listeners, descriptors); break;
            case ToRedirector.BodyOneofCase.Ready: TakeReport(from, message.Ready); break;
            case ToRedirector.BodyOneofCase.Drained: TakeDrained(from, message.Drained); break;
            case ToRedirector.BodyOneofCase.State: KeepState(from, descriptors); break;
            case ToRedirector.BodyOneofCase.None: Refuse(from, CounterNames.PacketsRefused, "an unknown message"); break;
        }
    }

    /// <inheritdoc/>
    public void OnUnreadable(NodeConnection from, string reason) => Refuse(from, CounterNames.PacketsRefused, reason);

    /// <inheritdoc/>
    public void OnSilent(NodeConnection from)
    {
        _tools.Counters.Add(CounterNames.PeersDropped);
        _tools.Log.NodeSilent();
        LeavePods(from);
    }

    /// <inheritdoc/>
    public void OnEnd(NodeConnection from, string reason)
    {
        _tools.Nodes.Remove(from);
        _budgets.Remove(from);
        _tools.Log.NodeLeft(reason, _tools.Nodes.Count);
        LeavePods(from);
    }

    private static int DescriptorsOf(ToRedirector.BodyOneofCase body) => body switch
    {
        ToRedirector.BodyOneofCase.Order or ToRedirector.BodyOneofCase.State => 1,
        ToRedirector.BodyOneofCase.Listeners => 3,
        _ => 0,
    };

    private void Greet(NodeConnection from, NodeHello hello)
    {
        if (hello.ProtocolVersion != ProtocolVersion || hello.Session.Length != SessionBytes || hello.PodsHeld.Count > MaxPodsHeld)
        {
            Refuse(from, CounterNames.PacketsRefused, $"a Hello of version {hello.ProtocolVersion} with a session of {hello.Session.Length} bytes");
            if (hello.ProtocolVersion != ProtocolVersion && hello.Session.Length == SessionBytes)
                from.Decline(hello.Session, ProtocolVersion);
            return;
        }
        // A new session on the channel is a new process: what the old one was asked for is void.
        LeavePods(from);
        from.Greet(hello, ++_greetings);
        _tools.Log.NodeGreeted(hello.PodsHeld.Count, _tools.Nodes.Count);
        var answer = new RedirectorHello
        {
            ProtocolVersion = ProtocolVersion, Node = _options.Node, BootId = _tools.BootId, HasState = _state is not null, OrderVersion = _orders.InForce?.Version ?? 0,
        };
        from.Send(new ToNode { Hello = answer }, "", _state is null ? [] : [_state.Number]);
        foreach (var pod in _pods.Values.ToList())
            pod.Welcome(from);
        foreach (var status in _refused.Values)
            from.Send(new ToNode { Status = status });
        // Before there is an order nothing is known of anybody, and an order may be on its way.
        if (_orders.InForce is not null)
            TellGone(from);
        SendCounters(from);
        from.Send(_machine.Clone());
        if (_canary.Result is { } canary)
            from.Send(new ToNode { Canary = canary });
        _canary.OnNode();
    }

    private void TellGone(NodeConnection node)
    {
        foreach (string uid in node.Held.Where(uid => !_pods.ContainsKey(uid)).ToList())
        {
            node.Held.Remove(uid);
            node.Send(new ToNode { Status = new PodStatus { Uid = uid, Phase = PodPhase.Gone, Reason = "not captured here any more" } });
        }
    }

    private void TakeListeners(NodeConnection from, ListenersReturned returned, List<Descriptor> descriptors)
    {
        string reason = "no pod of the order in force";
        if (!_pods.TryGetValue(returned.Uid, out var pod) || !pod.TakeBack(from, descriptors, out reason))
            Refuse(from, CounterNames.ListenersRefused, reason);
    }

    private void TakeReport(NodeConnection from, ReadyReport report)
    {
        if (_pods.TryGetValue(report.Uid, out var pod))
            pod.Report(report.Ready, Printable(report.Reason));
        else
            Refuse(from, CounterNames.ReportsRefused, "a report on a pod that is not in the order");
    }

    private void TakeDrained(NodeConnection from, DrainedReport report)
    {
        if (!_pods.TryGetValue(report.Uid, out var pod) || !pod.Drained(from))
            Refuse(from, CounterNames.ReportsRefused, "a report that a pod drained which is not quiet");
    }

    private void KeepState(NodeConnection from, List<Descriptor> descriptors)
    {
        // One that ends hands over once more; where its successor is beside it already, that knows better.
        if (from != _tools.Nodes.Newest)
            return;
        if (!SealedMemory.TryMeasure(descriptors[0], MaxStateBytes, out _, out string reason))
        {
            Refuse(from, CounterNames.StatesRefused, reason);
            return;
        }
        _state?.Dispose();
        _state = descriptors[0];
        descriptors.Clear();
        _tools.Counters.Add(CounterNames.StatesKept);
    }

    private void LeavePods(NodeConnection node)
    {
        foreach (var pod in _pods.Values.ToList())
            pod.Leave(node);
    }

    /// <summary>Counts always, and logs as long as it is not a flood.</summary>
    private void Refuse(NodeConnection from, string counter, string reason)
    {
        _tools.Counters.Add(counter);
        if (_logBudget.TryTake())
            _tools.Log.Refused(counter, from.Seniority, reason);
    }

    private void TellCountersLater() => _tools.Loop.After(_countersInterval, () =>
    {
        if (_tools.Nodes.Newest is { } newest)
            SendCounters(newest);
        TellCountersLater();
    });

    // The network plugin makes its bridge with the first pod, so what was read at the start is not all.
    private void LookAtMachine()
    {
        var now = new MachineAddresses { Addresses = { _host.Read().Select(address => ByteString.CopyFrom(address.GetAddressBytes())) } };
        if (!now.Equals(_machine.Machine))
        {
            _machine = new ToNode { Machine = now };
            _tools.Nodes.Tell(_machine.Clone);
        }
        _tools.Loop.After(_machineInterval, LookAtMachine);
    }

    private void SendCounters(NodeConnection to)
    {
        _tools.Counters.Set(CounterNames.PodsCaptured, _pods.Values.Count(p => p is { IsCaptured: true, IsCanary: false }));
        if (_tools.Counters.Changes == _countersTold && to.Seniority == _countersToldTo)
            return;
        (_countersTold, _countersToldTo) = (_tools.Counters.Changes, to.Seniority);
        var message = new RedirectorCounters();
        foreach (var (name, value) in _tools.Counters.Values)
            message.Values.Add(name, value);
        to.Send(new ToNode { Counters = message });
    }

    // What NodeProxy writes may end up in a log: one line, no control characters, no novel.
    private static string Printable(string text) => new([.. text.Take(200).Select(c => char.IsControl(c) ? ' ' : c)]);
}
