using Ambient.Native.Processes;

namespace Ambient.Redirector.Loop;

/// <summary>Gives memory back that a burst of work took: pods that came at once. Nobody waits for this process but who starts a pod.</summary>
internal sealed class Tidying
{
    // Before another tidying is worth its few milliseconds.
    private const long WorthBytes = 512 * 1024;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    private readonly EventLoop _loop;
    private readonly SpareMemory _memory = new();

    private Tidying(EventLoop loop) => _loop = loop;

    /// <summary>Looks now and then, as long as the loop runs.</summary>
    public static void Begin(EventLoop loop) => new Tidying(loop).Wait();

    private void Wait() => _loop.After(Interval, Look);

    private void Look()
    {
        if (_memory.Grown > WorthBytes)
            _memory.GiveBack();
        Wait();
    }
}
