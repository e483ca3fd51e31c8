using System.Diagnostics;
using System.Security.Cryptography;
using Ambient.Native.Descriptors;
using Ambient.Native.Unix;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;

namespace Ambient.Tests.Mesh.Redirector;

/// <summary>Plays NodeProxy at Redirector's socket: honest by default, and able to say anything.</summary>
internal sealed class TestNode : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    private readonly SeqPacketSocket _socket;
    private readonly byte[] _session = RandomNumberGenerator.GetBytes(16);
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly List<(ToNode Message, List<Descriptor> Descriptors)> _inbox = [];

    public TestNode(string path) : this(SeqPacketSocket.Connect(path))
    {
    }

    public TestNode(SeqPacketSocket socket) => _socket = socket;

    /// <summary>Discards what was meant for an earlier process on the same channel, as NodeProxy does.</summary>
    public bool IgnoresOtherSessions { get; set; }

    /// <summary>Listeners by pod, as received.</summary>
    public Dictionary<string, List<Descriptor>> Listeners { get; } = [];

    /// <summary>Newest counters.</summary>
    public Dictionary<string, double> Counters { get; } = [];

    /// <summary>Answers GiveBack with what it holds.</summary>
    public bool GivesBack { get; set; } = true;

    /// <summary>How often a Redirector on the channel asked for a Hello.</summary>
    public int HellosWanted { get; private set; }

    /// <summary>What came beside RedirectorHello.</summary>
    public List<Descriptor> HelloDescriptors { get; private set; } = [];

    public ToNode Greet(params string[] held) => Greet(version: 1, held);

    public ToNode Greet(uint version, params string[] held)
    {
        var hello = new NodeHello { ProtocolVersion = version, Session = ByteString.CopyFrom(_session) };
        hello.PodsHeld.Add(held);
        Send(new ToRedirector { Hello = hello });
        var (message, descriptors) = Await(m => m.BodyCase == ToNode.BodyOneofCase.Hello, "RedirectorHello");
        HelloDescriptors = descriptors;
        return message;
    }

    public void Send(ToRedirector message, params int[] descriptors) => SendBytes(message.ToByteArray(), descriptors);

    public void SendBytes(byte[] packet, params int[] descriptors) =>
        Assert.True(_socket.TrySend(packet, descriptors, out var error), error.ToString());

    public bool TrySendBytes(byte[] packet) => _socket.TrySend(packet, [], out _);

    public OrderResult Pass(SignedOrder order)
    {
        using var memory = SealedMemory.Create("order", order.ToByteArray());
        Send(new ToRedirector { Order = new PassOrder() }, memory.Number);
        return Await(m => m.BodyCase == ToNode.BodyOneofCase.Order, "OrderResult").Message.Order;
    }

    public void Ready(Pod pod, bool ready = true, string reason = "") =>
        Send(new ToRedirector { Ready = new ReadyReport { Uid = pod.Uid, Ready = ready, Reason = reason } });

    public void Drained(Pod pod) => Send(new ToRedirector { Drained = new DrainedReport { Uid = pod.Uid } });

    /// <summary>Waits for a phase, passing over earlier ones.</summary>
    public PodStatus AwaitPhase(Pod pod, PodPhase phase) => Await(
        m => m.BodyCase == ToNode.BodyOneofCase.Status && m.Status.Uid == pod.Uid && m.Status.Phase == phase, $"{phase} of {pod.Uid}").Message.Status;

    /// <summary>Waits for a status of the pod.</summary>
    public PodStatus AwaitStatus(Pod pod, Func<PodStatus, bool> wanted) =>
        Await(m => m.Status?.Uid == pod.Uid && wanted(m.Status), $"a status of {pod.Uid}").Message.Status;

    /// <summary>Order, listeners, ready, captured.</summary>
    public PodStatus Capture(Pod pod, SignedOrder order)
    {
        Assert.True(Pass(order) is { Accepted: true } result, "the order was refused");
        AwaitPhase(pod, PodPhase.Preparing);
        AwaitListeners(pod);
        Ready(pod);
        return AwaitPhase(pod, PodPhase.Captured);
    }

    public void AwaitListeners(Pod pod) => WaitUntil(() => Listeners.ContainsKey(pod.Uid), $"listeners of {pod.Uid}");

    public (Sockets? Given, SocketsRefused? Refused, List<Descriptor> Descriptors) RequestSockets(string uid, uint count) => AwaitSockets(AskForSockets(uid, count));

    /// <summary>Asks, and does not wait for the answer.</summary>
    /// <returns>What to wait for.</returns>
    public ulong AskForSockets(string uid, uint count)
    {
        ulong id = (ulong)Random.Shared.NextInt64();
        Send(new ToRedirector { Sockets = new SocketRequest { RequestId = id, Uid = uid, Count = count } });
        return id;
    }

    public (Sockets? Given, SocketsRefused? Refused, List<Descriptor> Descriptors) AwaitSockets(ulong id)
    {
        var (message, descriptors) = Await(m => m.Sockets?.RequestId == id || m.Refused?.RequestId == id, "an answer to the request for sockets");
        return (message.Sockets, message.Refused, descriptors);
    }

    public (ToNode Message, List<Descriptor> Descriptors) Await(Func<ToNode, bool> wanted, string what)
    {
        (ToNode, List<Descriptor>) found = default;
        WaitUntil(() =>
        {
            int at = _inbox.FindIndex(m => wanted(m.Message));
            if (at < 0)
                return false;
            found = _inbox[at];
            _inbox.RemoveRange(0, at + 1);
            return true;
        }, what);
        return found;
    }

    public void AwaitCounter(string name, double atLeast) =>
        WaitUntil(() => Counters.GetValueOrDefault(name) >= atLeast, $"{name} of {atLeast}, now {Counters.GetValueOrDefault(name)}");

    /// <summary>Reads messages until a condition holds.</summary>
    public void WaitUntil(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        _socket.SetNonBlocking(true);
        while (!condition())
        {
            Assert.True(clock.Elapsed < _patience, $"waited {_patience.TotalSeconds} s for {what}; last: {string.Join("; ", _inbox.TakeLast(5).Select(m => m.Message))}");
            if (!Receive())
                Pause();
        }
        _socket.SetNonBlocking(false);
    }

    /// <summary>Whether the other side has closed the connection.</summary>
    public bool IsClosed()
    {
        var result = _socket.Receive(_buffer, []);
        return result.IsEnd || result.Error is Errno.ConnectionReset;
    }

    /// <summary>Lets go of everything, as a process that ends.</summary>
    public void Dispose()
    {
        _socket.Dispose();
        foreach (var descriptor in Listeners.Values.SelectMany(l => l).Concat(_inbox.SelectMany(m => m.Descriptors)))
            descriptor.Dispose();
    }

    /// <summary>Drops a pod's listeners, as on GONE.</summary>
    public void Drop(Pod pod)
    {
        if (Listeners.Remove(pod.Uid, out var held))
            held.ForEach(d => d.Dispose());
    }

    private bool Receive()
    {
        var descriptors = new List<Descriptor>();
        var result = _socket.Receive(_buffer, descriptors);
        if (!result.IsPacket)
            return false;
        var message = ToNode.Parser.ParseFrom(_buffer, 0, result.Bytes);
        if (message.Session.IsEmpty && message.BodyCase == ToNode.BodyOneofCase.Hello)
        {
            HellosWanted++;
            return true;
        }
        if (IgnoresOtherSessions && !message.Session.Span.SequenceEqual(_session))
        {
            descriptors.ForEach(d => d.Dispose());
            return true;
        }
        Assert.Equal(_session, message.Session.ToByteArray());
        switch (message.BodyCase)
        {
            case ToNode.BodyOneofCase.Listeners:
                Assert.Equal(3, descriptors.Count);
                Listeners[message.Listeners.Uid] = descriptors;
                break;
            case ToNode.BodyOneofCase.GiveBack when GivesBack && Listeners.TryGetValue(message.GiveBack.Uid, out var held):
                Send(new ToRedirector { Listeners = new ListenersReturned { Uid = message.GiveBack.Uid } }, [.. held.Select(d => d.Number)]);
                break;
            case ToNode.BodyOneofCase.Counters:
                foreach (var (name, value) in message.Counters.Values)
                    Counters[name] = value;
                break;
        }
        _inbox.Add((message, descriptors));
        return true;
    }

    private static void Pause()
    {
        using var never = new ManualResetEventSlim();
        never.Wait(1);
    }
}
