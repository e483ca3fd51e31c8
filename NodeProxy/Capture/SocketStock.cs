using Ambient.Native.Sockets;
using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// Unconnected sockets of one pod's namespace, kept ready on one loop, because only Redirector can make them. The stock follows
/// the last minute's need; when it is empty connections wait in order, and are refused after ten seconds.
/// </summary>
/// <remarks>
/// What is needed at once bridges a busy Redirector. The reserve bridges one that is away, because its image is bad or it crashes
/// again and again: a pod that opens little, kubelet's probes above all, goes on for most of a minute (until then kubelet has
/// started it anew), while one that opens much could not be helped with any number. An unconnected socket costs a descriptor here and
/// 3.7 KB of the kernel's memory (measured, Linux 6.18), so 80 of them 300 KB a pod; <see cref="NodeCapacity.StockRoom"/> bounds what all pods have.
/// </remarks>
internal sealed class SocketStock : ISocketSource
{
    /// <summary>How long a connection may wait for a socket.</summary>
    internal static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    private const int SmallestStock = 4;
    private const int LargestStock = 256;
    private const int FirstReserve = 12;
    private const int LargestReserve = 80;
    // Of a new Redirector all stocks ask at the same time, and it gives 8,192 sockets at once.
    private const int OnHello = 16;
    private const int MaxWaiting = 16_384;
    private const int PerRequest = 64;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly string _uid;
    private readonly EventLoop _loop;
    private readonly ISocketRequester _requester;
    private readonly NodeCapacity _capacity;
    private readonly Queue<int> _sockets = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private readonly LoopTimer _deadline;
    private int _requested;
    private int _counted;
    private int _takenThisMinute;
    private int _takenLastMinute;
    private long _minuteStartTicks;
    private bool _isEnded;

    public SocketStock(string uid, EventLoop loop, ISocketRequester requester, NodeCapacity capacity)
    {
        _uid = uid;
        _loop = loop;
        _requester = requester;
        _capacity = capacity;
        _minuteStartTicks = loop.NowTicks;
        _deadline = new LoopTimer(OnDeadline);
    }

    /// <summary>Where it lives.</summary>
    public EventLoop Loop => _loop;

    /// <summary>Sockets ready.</summary>
    public int Count => _sockets.Count;

    /// <summary>Connections that wait for one.</summary>
    public int Waiting => _waiting.Count;

    private int MinuteNeed => Math.Max(_takenLastMinute, _takenThisMinute);

    // A quarter of a second of the last minute's need: a request takes well under a millisecond to be answered, so this only
    // has to bridge a busy Redirector.
    private int AtOnce => Math.Clamp(MinuteNeed / 240, SmallestStock, LargestStock);

    // A minute's need, as far as there is room. At first nothing is known of a pod: twelve are a minute of two probes with
    // Kubernetes' default period of ten seconds.
    private int Reserve => (int)Math.Min(Math.Clamp(MinuteNeed, FirstReserve, LargestReserve), _capacity.StockRoom + _counted);

    private int Target => Math.Max(AtOnce, Reserve);

    /// <summary>Lays in the first sockets, so that a pod that has opened nothing yet is served also when Redirector leaves now.</summary>
    public void Fill() => Refill(Target);

    /// <inheritdoc/>
    public void Take(ISocketTaker taker)
    {
        if (_isEnded)
        {
            Refuse(taker, "the pod has ended");
            return;
        }

        CountNeed();
        if (_waiting.Count == 0 && _sockets.TryDequeue(out int fd))
        {
            Refill(Target);
            taker.OnSocket(fd);
            return;
        }

        if (_waiting.Count >= MaxWaiting)
        {
            Refuse(taker, $"{MaxWaiting} connections of this pod already wait for a socket");
            return;
        }

        _waiting.AddLast(new Waiter(taker, _loop.NowTicks + MaxWait.Ticks));
        if (!_deadline.IsArmed) _loop.Arm(_deadline, MaxWait);
        Refill(Target);
    }

    /// <inheritdoc/>
    public void Cancel(ISocketTaker taker)
    {
        for (var node = _waiting.First; node is not null; node = node.Next)
        {
            if (node.Value.Taker != taker) continue;
            _waiting.Remove(node);
            return;
        }
    }

    /// <summary>Redirector's answer: sockets, fewer than asked or none when it refused.</summary>
    /// <param name="asked">How many the request was for.</param>
    /// <param name="fds">Now ours.</param>
    /// <param name="refusal">Why there are none; null for an answer with sockets.</param>
    public void OnAnswer(int asked, IReadOnlyList<int> fds, string? refusal)
    {
        _requested = Math.Max(0, _requested - asked);
        foreach (int fd in fds)
        {
            if (_isEnded) SocketCalls.Close(fd);
            else _sockets.Enqueue(fd);
        }

        while (_waiting.First is { } first && _sockets.TryDequeue(out int fd))
        {
            _waiting.RemoveFirst();
            first.Value.Taker.OnSocket(fd);
        }

        // No more than at once: the next connection asks for the rest, so that stocks do not ask all at the same time.
        if (refusal is null) Refill(AtOnce);
        else FailWaiting(_ => true, refusal);
        CountStock();
    }

    /// <summary>Redirector is a new one, and knows of no request: what was asked is asked again.</summary>
    public void OnRedirectorChanged()
    {
        _requested = 0;
        CountStock();
        Refill(Math.Max(AtOnce, Math.Min(Reserve, _sockets.Count + OnHello)));
    }

    /// <summary>The pod is over: closes every socket.</summary>
    public void End(string reason)
    {
        _isEnded = true;
        while (_sockets.TryDequeue(out int fd)) SocketCalls.Close(fd);
        CountStock();
        FailWaiting(_ => true, reason);
        _loop.Timers.Cancel(_deadline);
    }

    // Never within the call: whoever takes has not noted yet that it does.
    private void Refuse(ISocketTaker taker, string reason) => _loop.Post(() => taker.OnNoSocket(reason));

    private void Refill(int target)
    {
        int missing = _waiting.Count + target - _sockets.Count - _requested;
        // Several at a time, half a stock or an eighth of a reserve: a request for each socket would cost more than the socket.
        bool isWorthIt = missing > Math.Max(AtOnce / 2, target / 8) || _waiting.Count > _requested + _sockets.Count;
        while (isWorthIt && !_isEnded && missing > 0)
        {
            int count = Math.Min(missing, PerRequest);
            _requested += count;
            missing -= count;
            _requester.Request(_uid, count, this);
        }

        CountStock();
    }

    // Those that were asked for as well: otherwise all stocks would ask for the same room.
    private void CountStock()
    {
        int now = _isEnded ? 0 : _sockets.Count + _requested;
        if (now == _counted) return;
        _capacity.AddStocked(_loop.Index, now - _counted);
        _counted = now;
    }

    private void CountNeed()
    {
        if (_loop.NowTicks - _minuteStartTicks >= Minute.Ticks)
        {
            _takenLastMinute = _takenThisMinute;
            _takenThisMinute = 0;
            _minuteStartTicks = _loop.NowTicks;
            // A pod that was busy once holds no more than it needs now.
            int target = Target;
            while (_sockets.Count > target && _sockets.TryDequeue(out int fd)) SocketCalls.Close(fd);
        }

        _takenThisMinute++;
    }

    private void OnDeadline()
    {
        long now = _loop.NowTicks;
        FailWaiting(waiter => waiter.DueTicks <= now, $"no socket within {MaxWait.TotalSeconds:0} s: is Redirector running?");
        if (_waiting.First is { } first) _loop.Timers.Arm(_deadline, first.Value.DueTicks);
    }

    private void FailWaiting(Func<Waiter, bool> isOver, string reason)
    {
        while (_waiting.First is { } first && isOver(first.Value))
        {
            _waiting.RemoveFirst();
            first.Value.Taker.OnNoSocket(reason);
        }
    }

    private readonly record struct Waiter(ISocketTaker Taker, long DueTicks);
}
