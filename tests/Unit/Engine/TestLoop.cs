using Ambient.NodeProxy.Engine;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Unit.Engine;

/// <summary>A running loop. Its end fails the test if a buffer, a timer or a registration was left behind, or a bug was met.</summary>
internal sealed class TestLoop : IAsyncDisposable
{
    public TestLoop(TimeProvider? time = null)
    {
        Loop = new EventLoop(0, time ?? TimeProvider.System, NullLogger.Instance);
        Loop.Start();
    }

    public EventLoop Loop { get; }

    public Task Run(Action work) => Run(() =>
    {
        work();
        return true;
    });

    public Task<T> Run<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.Post(() =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    public async Task Until(Func<bool> condition, string what)
    {
        var deadline = Environment.TickCount64 + 20_000;
        while (!await Run(condition))
        {
            if (Environment.TickCount64 > deadline) throw new TimeoutException($"never happened: {what}");
            await Task.Delay(2);
        }
    }

    public async ValueTask DisposeAsync()
    {
        (int buffers, int timers, int handlers, long bugs) = await Run(() => (Loop.Buffers.Rented, Loop.Timers.Count, Loop.HandlerCount, Loop.Bugs));
        await Loop.StopAsync();
        Loop.Dispose();
        Assert.Equal(0, bugs);
        Assert.Equal(0, buffers);
        Assert.Equal(0, timers);
        Assert.Equal(0, handlers);
    }
}
