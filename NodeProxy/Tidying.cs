namespace Ambient.NodeProxy;

/// <summary>
/// Gives memory back that a start, or a change of the view, took, once this node rests: the collector would keep it until enough new work
/// comes along, which carrying alone never is. A node that carries is not stopped for it.
/// </summary>
internal sealed class Tidying(TimeProvider time)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Committed beyond what the last tidying left, before another is worth its few milliseconds.
    private const long WorthBytes = 1 << 20;

    // All loops stand still while the collector works, some 5 ms for a heap of 5 MB. One of a large mesh takes longer than a connection that
    // begins just then should wait.
    private const long MostBytes = 16 << 20;

    // Of a core: what the streams to Redirector and the controller, and a canary, take.
    private const double MostCpu = 0.02;

    private long _kept;

    /// <summary>Looks now and then until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var ticks = new PeriodicTimer(Interval, time);
        try
        {
            var (before, began) = (Environment.CpuUsage.TotalTime, time.GetTimestamp());
            while (await ticks.WaitForNextTickAsync(cancellation))
            {
                var (cpu, now) = (Environment.CpuUsage.TotalTime, time.GetTimestamp());
                if (IsWorthwhile(Committed(), _kept, (cpu - before) / time.GetElapsedTime(began, now)))
                {
                    GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                    _kept = Committed();
                }
                (before, began) = (Environment.CpuUsage.TotalTime, now);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The end that was asked for.
        }
    }

    /// <summary>Whether there is enough to give back, and nobody to notice.</summary>
    /// <param name="committed">Bytes that the heap has taken.</param>
    /// <param name="kept">What the last tidying left; 0 before the first.</param>
    /// <param name="cpu">Cores that the process has used lately.</param>
    internal static bool IsWorthwhile(long committed, long kept, double cpu) =>
        cpu <= MostCpu && committed <= MostBytes && committed > kept + WorthBytes;

    // Of the last collection: between two nothing is given back.
    private static long Committed() => GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes;
}
