using Ambient.Native.Processes;
using Ambient.Redirector.Loop;
using Microsoft.Extensions.Logging;

namespace Ambient.Redirector;

/// <summary>
/// Exactly one Redirector writes rules. During a roll-out two run: the newer one waits here, ready, until the older one ends in whatever
/// way. Owned by the loop.
/// </summary>
internal sealed class WriterLock(EventLoop loop, string path, ILogger log) : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(50);

    private FileLock? _lock;

    /// <summary>Calls back once this process is the writer.</summary>
    /// <param name="onWait">Called every time the lock was found taken.</param>
    public void Take(Action onWait, Action onTaken)
    {
        if (TryTake(onTaken))
            return;
        log.WaitingForLock(path);
        onWait();
        TakeLater(onWait, onTaken);
    }

    /// <inheritdoc/>
    public void Dispose() => _lock?.Dispose();

    private bool TryTake(Action onTaken)
    {
        _lock = FileLock.TryTake(path);
        if (_lock is null)
            return false;
        onTaken();
        return true;
    }

    private void TakeLater(Action onWait, Action onTaken) => loop.After(_interval, () =>
    {
        if (TryTake(onTaken))
            return;
        onWait();
        TakeLater(onWait, onTaken);
    });
}
