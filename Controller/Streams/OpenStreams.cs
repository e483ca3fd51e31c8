namespace Ambient.Controller.Streams;

/// <summary>Counts the requests that a server has not answered to the end, so that it can stop after them. Any thread may call it.</summary>
internal sealed class OpenStreams
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _noneOpen = Done();
    private int _count;

    /// <summary>Completes when no request is open.</summary>
    internal Task NoneOpen
    {
        get { lock (_lock) return _noneOpen.Task; }
    }

    /// <summary>Counts a request until its response has been sent or given up.</summary>
    internal void Follow(HttpContext context)
    {
        lock (_lock)
        {
            if (_count++ == 0)
                _noneOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        context.Response.OnCompleted(() =>
        {
            lock (_lock)
            {
                if (--_count == 0)
                    _noneOpen.SetResult();
            }
            return Task.CompletedTask;
        });
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
