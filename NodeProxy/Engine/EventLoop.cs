using System.Collections.Concurrent;
using Ambient.Native.Events;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy.Engine;

/// <summary>
/// One thread and everything that lives on it: sockets, timers, buffers, turns. From its accept to its end a connection stays
/// here, so nothing in it needs a lock. Others reach in by <see cref="Post"/> only.
/// </summary>
/// <remarks>
/// A batch:
/// <code>
///   epoll_wait -> 1 note readiness -> 2 posted work -> 3 timers -> 4 receive turns -> 5 send turns -> 6 flush turns -> epoll_wait
///                       '------- what has become ready meanwhile, twice at most --------'
/// </code>
/// Links parse in 4, sockets of apps write in 5, and links write in 6, so that what arrived together leaves together: one system call
/// and one TLS record for many small streams. A write to a link is the dearest call of all, so before it the loop looks once more for
/// what could go with it; that look never waits.
/// </remarks>
internal sealed class EventLoop : IDisposable
{
    private const int EventsPerWait = 512;
    private const int LooksBeforeFlush = 2;

    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly Epoll _epoll = new();
    private readonly WakeUp _wakeUp = new();
    private readonly ReadyEvents _ready = new(EventsPerWait);
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly HandlerTable _handlers = new();
    private readonly Queue<ILoopTurn> _receiveTurns = new();
    private readonly Queue<ILoopTurn> _sendTurns = new();
    private readonly Queue<ILoopTurn> _flushTurns = new();
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _wakeUpPending;
    private bool _stopping;

    public EventLoop(int index, TimeProvider time, ILogger logger)
    {
        Index = index;
        _time = time;
        _logger = logger;
        ReadClock();
        _thread = new Thread(Run) { Name = $"loop-{index}", IsBackground = true };
    }

    /// <summary>Its number, from 0. Slots of shared tables are indexed by it.</summary>
    public int Index { get; }

    /// <summary>The time at the start of this batch, in ticks of 100 ns on a clock that never goes back.</summary>
    public long NowTicks { get; private set; }

    /// <summary>Deadlines of this loop.</summary>
    public LoopTimers Timers { get; } = new();

    /// <summary>Buffers of this loop.</summary>
    public BufferPool Buffers { get; } = new();

    /// <summary>What its connections share of addresses.</summary>
    public AddressMemory Addresses { get; } = new();

    /// <summary>Working memory of this loop.</summary>
    public LoopScratch Scratch { get; } = new();

    /// <summary>The way of bulk between sockets of this loop.</summary>
    public LoopPipe Pipe { get; } = new();

    /// <summary>Turns and handlers that threw. Each is a bug, logged with its stack; the connection concerned was aborted.</summary>
    public long Bugs { get; private set; }

    /// <summary>Whether the caller runs on this loop.</summary>
    public bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Descriptors registered, the wake-up not counted.</summary>
    public int HandlerCount => _handlers.Count;

    public void Start() => _thread.Start();

    /// <summary>Runs work on the loop, in order with other posted work. Any thread.</summary>
    public void Post(Action work)
    {
        _posted.Enqueue(work);
        // One signal wakes the loop for any number of posts; the loop clears the mark before it drains.
        if (Interlocked.Exchange(ref _wakeUpPending, 1) == 0) _wakeUp.Signal();
    }

    /// <summary>Ends the thread after the batch it is in. What still lives on it is not closed.</summary>
    public Task StopAsync()
    {
        Post(() => _stopping = true);
        return _ended.Task;
    }

    /// <summary>Starts to watch a descriptor, edge-triggered.</summary>
    /// <returns>The registration, for <see cref="Detach"/>.</returns>
    public ulong Attach(int fd, IReadinessHandler handler, EpollEvents events)
    {
        AssertCurrent();
        ulong token = _handlers.Add(handler);
        _epoll.Add(fd, events | EpollEvents.EdgeTriggered, token);
        return token;
    }

    /// <summary>Ends the watch. Events of this batch that are still to be noted are dropped.</summary>
    public void Detach(int fd, ulong registration)
    {
        AssertCurrent();
        _handlers.Remove(registration);
        _epoll.Remove(fd);
    }

    /// <summary>Forgets a registration whose descriptor is about to be closed: closing ends the watch by itself, one call less.</summary>
    public void Forget(ulong registration) => _handlers.Remove(registration);

    /// <summary>Asks for a turn in which bytes are taken in.</summary>
    public void QueueReceive(ILoopTurn turn)
    {
        if (turn.IsQueued) return;
        turn.IsQueued = true;
        _receiveTurns.Enqueue(turn);
    }

    /// <summary>Asks for a turn in which bytes are sent.</summary>
    public void QueueSend(ILoopTurn turn)
    {
        if (turn.IsQueued) return;
        turn.IsQueued = true;
        _sendTurns.Enqueue(turn);
    }

    /// <summary>Asks for a turn in which a link's bytes are sent: after the sends of all sockets.</summary>
    public void QueueFlush(ILoopTurn turn)
    {
        if (turn.IsQueued) return;
        turn.IsQueued = true;
        _flushTurns.Enqueue(turn);
    }

    /// <summary>Arms a timer that long from now.</summary>
    public void Arm(LoopTimer timer, TimeSpan delay) => Timers.Arm(timer, NowTicks + delay.Ticks);

    /// <summary>A mistake in our own code, caught before it becomes a race.</summary>
    public void AssertCurrent()
    {
        if (!IsCurrent) throw new InvalidOperationException($"called from {Thread.CurrentThread.Name}, belongs to loop {Index}");
    }

    public void Dispose()
    {
        Pipe.Dispose();
        _ready.Dispose();
        _wakeUp.Dispose();
        _epoll.Dispose();
    }

    private void Run()
    {
        SynchronizationContext.SetSynchronizationContext(new LoopSynchronizationContext(this));
        _epoll.Add(_wakeUp.Number, EpollEvents.In | EpollEvents.EdgeTriggered, HandlerTable.WakeUpToken);
        while (!_stopping)
        {
            bool idle = _receiveTurns.Count == 0 && _sendTurns.Count == 0 && _flushTurns.Count == 0 && _posted.IsEmpty;
            int count = _epoll.Wait(_ready, idle ? Timers.SleepMilliseconds(NowTicks) : 0);
            ReadClock();
            Note(count);
            RunPosted();
            Guarded(static loop => loop.Timers.FireDue(loop.NowTicks));
            RunTurns(_receiveTurns);
            RunTurns(_sendTurns);
            for (int look = 0; look < LooksBeforeFlush && _flushTurns.Count > 0; look++)
            {
                count = _epoll.Wait(_ready, 0);
                if (count == 0) break;
                Note(count);
                RunTurns(_receiveTurns);
                RunTurns(_sendTurns);
            }

            RunTurns(_flushTurns);
        }

        _ended.SetResult();
    }

    private void Note(int count)
    {
        for (int i = 0; i < count; i++) Note(_ready.TokenAt(i), _ready.EventsAt(i));
    }

    private void Note(ulong token, EpollEvents events)
    {
        if (token == HandlerTable.WakeUpToken)
        {
            _wakeUp.Drain();
            return;
        }

        if (!_handlers.TryFind(token, out var handler)) return; // ended earlier in this batch
        try
        {
            handler.OnReady(events);
        }
        catch (Exception bug)
        {
            Report(bug);
            (handler as ILoopTurn)?.Fail();
        }
    }

    private void RunPosted()
    {
        Volatile.Write(ref _wakeUpPending, 0);
        // Only what is there now: work that posts work must not keep sockets waiting.
        for (int n = _posted.Count; n > 0 && _posted.TryDequeue(out var work); n--)
        {
            try
            {
                work();
            }
            catch (Exception bug)
            {
                Report(bug);
            }
        }
    }

    private void RunTurns(Queue<ILoopTurn> turns)
    {
        for (int n = turns.Count; n > 0; n--)
        {
            var turn = turns.Dequeue();
            turn.IsQueued = false;
            try
            {
                turn.RunTurn();
            }
            catch (Exception bug)
            {
                Report(bug);
                turn.Fail();
            }
        }
    }

    private void Guarded(Action<EventLoop> step)
    {
        try
        {
            step(this);
        }
        catch (Exception bug)
        {
            Report(bug);
        }
    }

    // A bug in one connection must not take the node's other connections with it: it is logged with its stack and counted
    // (ambient_loop_bugs_total, which tests require to be zero), and only its own connection ends.
    private void Report(Exception bug)
    {
        Bugs++;
        NodeLog.LoopBug(_logger, Index, bug);
    }

    private void ReadClock() => NowTicks = _time.GetElapsedTime(0, _time.GetTimestamp()).Ticks;
}
