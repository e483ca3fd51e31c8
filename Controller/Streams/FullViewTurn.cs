using Ambient.Controller.Snapshots;

namespace Ambient.Controller.Streams;

/// <summary>
/// One stream's turn among those that are sent a full view. It is large, and ten thousand nodes may want one at once: they are served one after
/// the other, a few at a time, which takes no longer.
/// <code>
///   none --TryEnter--> waiting --TryEnter, once there is a place--> inside --Leave--> none
/// </code>
/// Entered and ended by the task that writes; <see cref="Leave"/> may come from any thread.
/// </summary>
/// <param name="wake">Called when there is a place for who waits.</param>
internal sealed class FullViewTurn(FullViewRoom room, TimeProvider time, Action wake)
{
    private Task? _admission;
    private IDisposable? _place;

    /// <summary>Takes a place, or begins to wait for one.</summary>
    /// <returns>False if there is none yet: to be asked again when woken.</returns>
    internal bool TryEnter(CancellationToken stop)
    {
        if (_admission is null)
        {
            _admission = room.WaitAsync(stop);
            if (!_admission.IsCompleted)
                _ = _admission.ContinueWith(_ => wake(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
        if (!_admission.IsCompletedSuccessfully)
            return false;
        Leave();
        Interlocked.Exchange(ref _place, room.Occupy(time));
        _admission = null;
        return true;
    }

    /// <summary>The node has answered, or is not sent it after all. What is only written still fills this process's buffers.</summary>
    internal void Leave() => Interlocked.Exchange(ref _place, null)?.Dispose();

    /// <summary>The stream has ended: whoever was let in, or is about to be, makes room for the next.</summary>
    internal void End()
    {
        Leave();
        if (_admission is { } admission)
            _ = admission.ContinueWith(let => { if (let.IsCompletedSuccessfully) room.Release(); }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
