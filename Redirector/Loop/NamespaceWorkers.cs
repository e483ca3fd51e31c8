using Ambient.Native.Namespaces;

namespace Ambient.Redirector.Loop;

/// <summary>
/// A few long-lived threads that do what takes milliseconds (nft, searching /proc, reading tables) inside pod namespaces, so that the
/// loop never waits. Each owns a <see cref="NamespaceEntry"/>. Results come back as actions on the loop, which alone touches state.
/// A job that throws anything but what its outcome type foresees ends the process: it is a bug.
/// </summary>
internal sealed class NamespaceWorkers : IDisposable
{
    private readonly EventLoop _loop;
    private readonly Lock _lock = new();
    private readonly PriorityQueue<Action<NamespaceEntry>, (WorkPriority, long)> _queue = new();
    private readonly SemaphoreSlim _waiting = new(0);
    private readonly Thread[] _threads;
    private long _sequence;
    private int _living;
    private bool _isStopping;
    private Action _onClosed = () => { };

    /// <param name="loop">Where results go.</param>
    /// <param name="threads">Some, so that a slow child process does not hold up a mending. Loading rules waits for the kernel (grace periods
    /// of RCU) for most of its 25 ms, so more threads than cores are of use when many pods start.</param>
    public NamespaceWorkers(EventLoop loop, int threads)
    {
        (_loop, _living) = (loop, threads);
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(Work) { Name = $"namespace-{i}", IsBackground = true };
            _threads[i].Start();
        }
    }

    /// <summary>Runs a job on a worker and hands its result to the loop.</summary>
    public void Run<T>(WorkPriority priority, Func<NamespaceEntry, T> job, Action<T> onLoop)
    {
        lock (_lock)
        {
            if (_isStopping)
                return;
            _queue.Enqueue(entry =>
            {
                var result = job(entry);
                _loop.Post(() => onLoop(result));
            }, (priority, _sequence++));
        }
        _waiting.Release();
    }

    /// <summary>Lets running jobs end, so that no child is left half-way, and drops waiting ones and those that come.</summary>
    /// <param name="onClosed">Called on the loop, once, after the result of the last.</param>
    public void Close(Action onClosed)
    {
        lock (_lock)
        {
            if (_isStopping)
                return;
            (_isStopping, _onClosed) = (true, onClosed);
            _queue.Clear();
        }
        _waiting.Release(_threads.Length);
    }

    /// <summary>The same, and waits for it.</summary>
    public void Dispose()
    {
        Close(() => { });
        foreach (var thread in _threads)
            thread.Join();
        _waiting.Dispose();
    }

    private void Work()
    {
        using (var entry = new NamespaceEntry())
        {
            while (Next(out var job))
                job?.Invoke(entry);
        }
        if (Interlocked.Decrement(ref _living) == 0)
            _loop.Post(_onClosed);
    }

    /// <returns>False when there is nothing to do any more.</returns>
    private bool Next(out Action<NamespaceEntry>? job)
    {
        _waiting.Wait();
        lock (_lock)
        {
            job = null;
            if (!_isStopping)
                _queue.TryDequeue(out job, out _);
            return !_isStopping;
        }
    }
}
