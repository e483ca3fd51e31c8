using Ambient.Native.Sockets;
using Ambient.NodeProxy.Engine;

namespace Ambient.NodeProxy.Capture;

/// <summary>
/// Unconnected sockets of one pod's namespace, kept ready on one loop, because only Redirector can make them. How many, <see cref="StockSize"/>
/// says; when there are none connections wait in order, and are refused after ten seconds.
/// </summary>
internal sealed class SocketStock : ISocketSource
{
    /// <summary>How long a connection may wait for a socket.</summary>
    internal static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    private const int MaxWaiting = 16_384;
    private const int PerRequest = 64;
    private const string NoWord = "is Redirector running?";
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    // A Redirector that refuses because too much is asked of it must not be asked the more for it.
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(20);

    private readonly string _uid;
    private readonly EventLoop _loop;
    private readonly ISocketRequester _requester;
    private readonly StockSize _size;
    private readonly Queue<int> _sockets = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private readonly LoopTimer _deadline;
    private readonly LoopTimer _askAgain;
    private readonly LoopTimer _minute;
    private int _requested;
    private string _lastRefusal = NoWord;
    private bool _isEnded;

    public SocketStock(string uid, EventLoop loop, ISocketRequester requester, NodeCapacity capacity)
    {
        _uid = uid;
        _loop = loop;
        _requester = requester;
        _size = new StockSize(loop.Index, capacity);
        _deadline = new LoopTimer(OnDeadline);
        _askAgain = new LoopTimer(() => Refill(_size.AtOnce));
        _minute = new LoopTimer(OnMinute);
    }

    /// <summary>Where it lives.</summary>
    public EventLoop Loop => _loop;

    /// <summary>Sockets ready.</summary>
    public int Count => _sockets.Count;

    /// <summary>Connections that wait for one.</summary>
    public int Waiting => _waiting.Count;

    /// <summary>Lays in the first sockets, so that a pod that has opened nothing yet is served also when Redirector leaves now.</summary>
    public void Fill()
    {
        BeginMinute();
        Refill(_size.Target);
    }

    /// <inheritdoc/>
    public void Take(ISocketTaker taker)
    {
        if (_isEnded)
        {
            Refuse(taker, "the pod has ended");
            return;
        }

        BeginMinute();
        _size.CountNeed();
        if (_waiting.Count == 0 && _sockets.TryDequeue(out int fd))
        {
            Refill(_size.Target);
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
        Refill(_size.Target);
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
        _lastRefusal = refusal ?? NoWord;
        if (refusal is null) Refill(_size.AtOnce);
        else OnRefused(refusal);
        Account();
    }

    /// <summary>Redirector is a new one, and knows of no request: what was asked is asked again.</summary>
    public void OnRedirectorChanged()
    {
        (_requested, _lastRefusal) = (0, NoWord);
        Account();
        _loop.Timers.Cancel(_askAgain);
        // One on a loop that the pod has never used stays as it is, without any.
        if (_minute.IsArmed) Refill(_size.AfterHello(_sockets.Count));
    }

    /// <summary>The pod is over: closes every socket.</summary>
    public void End(string reason)
    {
        _isEnded = true;
        while (_sockets.TryDequeue(out int fd)) SocketCalls.Close(fd);
        Account();
        FailWaiting(_ => true, reason);
        foreach (var timer in (LoopTimer[])[_deadline, _askAgain, _minute]) _loop.Timers.Cancel(timer);
    }

    // Never within the call: whoever takes has not noted yet that it does.
    private void Refuse(ISocketTaker taker, string reason) => _loop.Post(() => taker.OnNoSocket(reason));

    private void Refill(int target)
    {
        int missing = _waiting.Count + target - _sockets.Count - _requested;
        // Several at a time, half a stock or an eighth of a reserve: a request for each socket would cost more than the socket.
        bool isWorthIt = missing > Math.Max(_size.AtOnce / 2, target / 8) || _waiting.Count > _requested + _sockets.Count;
        while (isWorthIt && !_isEnded && !_askAgain.IsArmed && missing > 0)
        {
            int count = Math.Min(missing, PerRequest);
            _requested += count;
            missing -= count;
            _requester.Request(_uid, count, this);
        }

        Account();
    }

    private void Account() => _size.Hold(_isEnded ? 0 : _sockets.Count + _requested);

    // The refusal is the answer to the one that asked, which is the first for whom nothing is on its way any longer. The others ask again.
    private void OnRefused(string reason)
    {
        if (_waiting.Count <= _requested || _waiting.First is not { } first) return;
        _waiting.RemoveFirst();
        if (_waiting.Count > 0 && !_askAgain.IsArmed) _loop.Arm(_askAgain, AskAgainAfter);
        first.Value.Taker.OnNoSocket(reason);
    }

    private void BeginMinute()
    {
        if (!_minute.IsArmed && !_isEnded) _loop.Arm(_minute, Minute);
    }

    // A pod that was busy once holds no more than it needs now, and one that came before others no more than its share.
    private void OnMinute()
    {
        _size.NextMinute();
        int target = _size.Target;
        while (_sockets.Count > target && _sockets.TryDequeue(out int fd)) SocketCalls.Close(fd);
        Account();
        BeginMinute();
    }

    private void OnDeadline()
    {
        long now = _loop.NowTicks;
        FailWaiting(waiter => waiter.DueTicks <= now, $"no socket within {MaxWait.TotalSeconds:0} s: {_lastRefusal}");
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
