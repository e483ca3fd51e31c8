using System.Threading.Channels;

namespace Ambient.Controller.Sources;

/// <summary>
/// A folder of YAML files, followed by change notifications and, since those can be lost or be missing altogether
/// (network and overlay file systems), by looking again twice a second.
/// </summary>
internal sealed class FolderSource(string folder, LastGoodFiles lastGood, TimeProvider time, ILogger logger) : IMeshSource
{
    /// <summary>Time between two looks without a notification. With the time to settle it stays below a second.</summary>
    internal static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(500);

    // Looking at ten thousand files takes a tenth of a second. Notifications tell most changes at once, so that looking for what they
    // missed may take a tenth of the time.
    private const int RestPerLook = 9;

    private bool _isUnreachable;

    /// <inheritdoc/>
    public async Task RunAsync(Action<SourceChange> publish, CancellationToken cancellation)
    {
        var reader = new FolderReader(folder, lastGood);
        var started = time.GetTimestamp();
        var hints = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var watcher = TryWatch(hints.Writer);

        SourceSnapshot? published = null;
        var took = TimeSpan.Zero;
        while (!cancellation.IsCancellationRequested)
        {
            var now = time.GetElapsedTime(started);
            var hasLooked = TryLook(reader, now, isFirst: published is null, out var changed);
            if (hasLooked && (changed || published is null))
            {
                var snapshot = reader.Snapshot();
                publish(SourceChange.Between(published, snapshot));
                published = snapshot;
            }
            else
            {
                took = time.GetElapsedTime(started) - now;
            }

            var wait = reader.IsUnsettled ? FolderReader.SettleTime
                : watcher is null || took * RestPerLook < PollInterval ? PollInterval
                : took * RestPerLook;
            using var timer = new CancellationTokenSource(wait, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
            try
            {
                // While a file settles its own notifications would only make us look too early.
                if (reader.IsUnsettled)
                    await Task.Delay(Timeout.InfiniteTimeSpan, time, either.Token);
                else
                    await hints.Reader.ReadAsync(either.Token);
            }
            catch (OperationCanceledException)
            {
                // The time is over, or all is: the loop's condition tells.
            }
        }
    }

    private bool TryLook(FolderReader reader, TimeSpan now, bool isFirst, out bool changed)
    {
        try
        {
            changed = reader.Look(now, takeAtOnce: isFirst);
            _isUnreachable = false;
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_isUnreachable)
                logger.SourceUnreachable(folder, e.Message);
            _isUnreachable = true;
            changed = false;
            return false;
        }
    }

    private FileSystemWatcher? TryWatch(ChannelWriter<bool> hints)
    {
        try
        {
            var watcher = new FileSystemWatcher(folder);
            watcher.Changed += (_, _) => hints.TryWrite(true);
            watcher.Created += (_, _) => hints.TryWrite(true);
            watcher.Deleted += (_, _) => hints.TryWrite(true);
            watcher.Renamed += (_, _) => hints.TryWrite(true);
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // Out of inotify instances, mostly: looking again twice a second does the same, a little later.
            logger.SourceNotWatched(folder, e.Message);
            return null;
        }
    }
}
