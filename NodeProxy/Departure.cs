using Ambient.NodeProxy.Capture;

namespace Ambient.NodeProxy;

/// <summary>
/// The end of a process whose work goes on elsewhere: a successor that runs beside it or comes after it. Nothing that was accepted is
/// dropped, and nobody is left with a link that nobody reads.
/// </summary>
/// <remarks>
/// 1. Listeners are left to the successor: what is not accepted yet waits in their backlogs. 2. GOAWAY on every link: peers open new ones,
/// which the successor accepts, and what this process never looked at is tried there. 3. Connections go on until they end, those that are
/// still being opened included, or until the time is over; then they are reset, never ended as if they were done. 4. Links say their last words.
/// </remarks>
internal sealed class Departure(CaptureCoordinator capture, IReadOnlyList<LoopDataPath> paths, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    // A link without streams needs a moment for its GOAWAY; a handshake under way some milliseconds.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(2);

    /// <summary>Goes.</summary>
    /// <param name="limit">How long connections may go on.</param>
    /// <returns>How many were cut because the time was over.</returns>
    public async Task<int> DrainAsync(TimeSpan limit)
    {
        long start = time.GetTimestamp();
        await capture.StopAcceptingAsync();
        await OnLoopsAsync(path => path.Leave("this node's proxy is being replaced"));
        await WhileAsync(path => path.UserCount, limit - time.GetElapsedTime(start));
        int cut = await OnLoopsAsync(path => path.CutAll("this node's proxy is being replaced, and its time to drain is over"));
        await WhileAsync(path => path.LinkCount, LastWords);
        return cut;
    }

    private async Task WhileAsync(Func<LoopDataPath, int> left, TimeSpan atMost)
    {
        long start = time.GetTimestamp();
        while (await OnLoopsAsync(left) > 0 && time.GetElapsedTime(start) < atMost) await Task.Delay(LookEvery, time);
    }

    private async Task<int> OnLoopsAsync(Func<LoopDataPath, int> work) => (await Task.WhenAll(paths.Select(path =>
    {
        var done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        path.Loop.Post(() => done.SetResult(work(path)));
        return done.Task;
    }))).Sum();
}
