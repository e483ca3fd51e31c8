using Ambient.Native.Processes;

namespace Ambient.NodeProxy;

/// <summary>
/// Gives memory back that a start, or a change of the view, took, once this node rests or carries little. What it carries then stands
/// still for some milliseconds, so it is seldom done, and never for a large heap or on a node that carries much.
/// </summary>
internal sealed class Tidying(TimeProvider time)
{
    /// <summary>How long the node has to have rested.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Least time between two.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    // Before another is worth its few milliseconds.
    private const long WorthBytes = 1 << 20;

    // All loops stand still while the collector works, some 5 ms for 5 MB that live. With a large mesh in view it takes longer than a
    // connection that begins just then should wait.
    private const long MostBytes = 16 << 20;

    // Of a core: what the streams to Redirector and the controller, and a canary, take; or a hundred requests a second.
    private const double MostCpu = 0.02;

    /// <summary>Looks now and then until it is cancelled; ends without an exception then.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var memory = new SpareMemory();
        long? last = null;
        using var ticks = new PeriodicTimer(Interval, time);
        try
        {
            var (before, began) = (Environment.CpuUsage.TotalTime, time.GetTimestamp());
            while (await ticks.WaitForNextTickAsync(cancellation))
            {
                var (cpu, now) = (Environment.CpuUsage.TotalTime, time.GetTimestamp());
                TimeSpan since = last is { } moment ? time.GetElapsedTime(moment, now) : TimeSpan.MaxValue;
                if (IsWorthwhile(memory.Grown, SpareMemory.Live, (cpu - before) / time.GetElapsedTime(began, now), since))
                {
                    memory.GiveBack();
                    last = now;
                }
                (before, began) = (Environment.CpuUsage.TotalTime, now);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The end that was asked for.
        }
    }

    /// <summary>Whether there is enough to give back, and hardly anybody to notice.</summary>
    /// <param name="grown">Bytes that the heap has taken since the last tidying.</param>
    /// <param name="live">Bytes that the collector would look through.</param>
    /// <param name="cpu">Cores that the process has used lately.</param>
    /// <param name="since">Time since the last tidying.</param>
    internal static bool IsWorthwhile(long grown, long live, double cpu, TimeSpan since) =>
        cpu <= MostCpu && live <= MostBytes && grown > WorthBytes && since >= Pause;
}
