using System.Collections.Concurrent;
using Ambient.Native.Events;

namespace Ambient.Redirector.Loop;

/// <summary>
/// The one thread that owns all state: it waits for descriptors, timers and posted work, and runs one piece after another. Only
/// <see cref="Post"/> and <see cref="Stop"/> may be called from elsewhere.
/// </summary>
internal sealed class EventLoop(TimeProvider time) : IDisposable
{
    private const ulong WakeUpToken = 0;
    private const int EventsATurn = 64;

    private readonly Epoll _epoll = new();
    private readonly ReadyEvents _ready = new(EventsATurn);
    private readonly WakeUp _wakeUp = new();
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly Dictionary<ulong, Action<EpollEvents>> _watched = [];
    private readonly PriorityQueue<LoopTimer, long> _timers = new();
    private ulong _lastToken = WakeUpToken;
    private volatile bool _isStopping;

    /// <summary>The clock of all timers.</summary>
    public TimeProvider Time => time;

    /// <summary><see cref="Run"/> was called.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>Calls back, level-triggered, while the descriptor has one of these events.</summary>
    /// <returns>The watch; disposing it before the descriptor is closed ends it.</returns>
    public LoopWatch Watch(int descriptor, EpollEvents events, Action<EpollEvents> onReady)
    {
        ulong token = ++_lastToken;
        _epoll.Add(descriptor, events, token);
        _watched.Add(token, onReady);
        return new LoopWatch(this, descriptor, token);
    }

    /// <summary>Runs an action once, after at least this time.</summary>
    public LoopTimer After(TimeSpan delay, Action action)
    {
        long due = time.GetTimestamp() + (long)(Math.Max(0, delay.TotalSeconds) * time.TimestampFrequency);
        var timer = new LoopTimer(action);
        _timers.Enqueue(timer, due);
        return timer;
    }

    /// <summary>Runs an action on the loop. Any thread.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        _wakeUp.Signal();
    }

    /// <summary>Makes <see cref="Run"/> return after its present turn. Any thread.</summary>
    public void Stop()
    {
        _isStopping = true;
        _wakeUp.Signal();
    }

    /// <summary>Turns until <see cref="Stop"/>.</summary>
    public void Run()
    {
        IsRunning = true;
        _epoll.Add(_wakeUp.Number, EpollEvents.In, WakeUpToken);
        while (!_isStopping)
        {
            int count = _epoll.Wait(_ready, MillisecondsToNextTimer());
            for (int i = 0; i < count && !_isStopping; i++)
            {
                ulong token = _ready.TokenAt(i);
                if (token == WakeUpToken)
                    _wakeUp.Drain();
                // A watch ended by an earlier event of this turn is no longer in the table.
                else if (_watched.TryGetValue(token, out var onReady))
                    onReady(_ready.EventsAt(i));
            }
            while (!_isStopping && _posted.TryDequeue(out var action))
                action();
            RunTimers();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _wakeUp.Dispose();
        _ready.Dispose();
        _epoll.Dispose();
    }

    internal void Change(int descriptor, EpollEvents events, ulong token) => _epoll.Modify(descriptor, events, token);

    internal void End(int descriptor, ulong token)
    {
        if (_watched.Remove(token))
            _epoll.Remove(descriptor);
    }

    private int MillisecondsToNextTimer()
    {
        if (!_posted.IsEmpty)
            return 0;
        while (_timers.TryPeek(out var timer, out long due))
        {
            if (timer.IsCancelled)
            {
                _timers.Dequeue();
                continue;
            }
            double milliseconds = (due - time.GetTimestamp()) * 1000.0 / time.TimestampFrequency;
            return (int)Math.Clamp(Math.Ceiling(milliseconds), 0, 3_600_000);
        }
        return -1;
    }

    private void RunTimers()
    {
        long now = time.GetTimestamp();
        while (!_isStopping && _timers.TryPeek(out var timer, out long due) && (due <= now || timer.IsCancelled))
        {
            _timers.Dequeue();
            timer.Run();
        }
    }
}
