namespace Ambient.Redirector.Loop;

/// <summary>
/// Gives memory back that a burst of work took. This process rests nearly always: left alone, the collector would keep what pods that
/// came at once made it take until enough new work comes along, which may be days.
/// </summary>
internal sealed class Tidying
{
    // Committed beyond what the last tidying left, before another is worth its few milliseconds.
    private const long WorthBytes = 512 * 1024;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    private readonly EventLoop _loop;
    private long _kept;

    private Tidying(EventLoop loop) => _loop = loop;

    /// <summary>Looks now and then, as long as the loop runs.</summary>
    public static void Begin(EventLoop loop) => new Tidying(loop).Wait();

    private void Wait() => _loop.After(Interval, Look);

    private void Look()
    {
        if (Committed() > _kept + WorthBytes)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _kept = Committed();
        }
        Wait();
    }

    // Of the last collection: between two nothing is given back.
    private static long Committed() => GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes;
}
