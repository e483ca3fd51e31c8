using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy;

/// <summary>
/// What runs beside the data path for as long as the process lives. A piece that ends by itself is a bug, and must not leave a node that
/// looks alive and hears of nothing: the process drains then, as at any end, and says so by its exit status.
/// </summary>
/// <param name="stop">The end that is asked for.</param>
internal sealed class BackgroundWork(ILogger logger, CancellationToken stop) : IDisposable
{
    private readonly CancellationTokenSource _ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
    private readonly List<(string Name, Task Task)> _pieces = [];

    /// <summary>Begins a piece.</summary>
    /// <param name="name">For the log.</param>
    /// <param name="work">Runs until it is cancelled and ends without an exception then.</param>
    public void Begin(string name, Func<CancellationToken, Task> work) => _pieces.Add((name, work(_ending.Token)));

    /// <summary>Waits for the end that is asked for, or for the first piece that ends without; then ends them all. Throws nothing.</summary>
    /// <returns>False if a piece has failed, or has ended when nothing had asked it to; the log names it.</returns>
    public async Task<bool> EndAsync()
    {
        var asked = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop);
        var first = await Task.WhenAny([asked, .. _pieces.Select(piece => piece.Task)]);
        bool isGood = first == asked || stop.IsCancellationRequested;
        if (!isGood) NodeLog.BackgroundEnded(logger, _pieces.First(piece => piece.Task == first).Name);
        await _ending.CancelAsync();
        foreach (var (name, task) in _pieces)
        {
            await task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (task.IsCompletedSuccessfully) continue;
            NodeLog.BackgroundFailed(logger, name, task.Exception?.InnerException);
            isGood = false;
        }
        return isGood;
    }

    /// <inheritdoc/>
    public void Dispose() => _ending.Dispose();
}
