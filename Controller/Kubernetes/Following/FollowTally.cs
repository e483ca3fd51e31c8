namespace Ambient.Controller.Kubernetes.Following;

/// <summary>What happened while a kind was followed, counted since the process began. Written by its follower, read by any thread.</summary>
internal sealed class FollowTally(TimeProvider time)
{
    private long _events, _watches, _relists, _failures, _faults, _heardAt;

    /// <summary>Events of watches, bookmarks not among them.</summary>
    internal long Events => Volatile.Read(ref _events);

    /// <summary>Watches that the server began to answer.</summary>
    internal long Watches => Volatile.Read(ref _watches);

    /// <summary>How often everything had to be listed anew, since the server had forgotten the revision, or made no sense.</summary>
    internal long Relists => Volatile.Read(ref _relists);

    /// <summary>Requests that were refused, and answers that broke off.</summary>
    internal long Failures => Volatile.Read(ref _failures);

    /// <summary>Objects that came and could not be read.</summary>
    internal long DecodeFaults => Volatile.Read(ref _faults);

    /// <summary>When the server said something last: a whole list, an event, or a bookmark, of which it sends one about every minute. Null until it has.</summary>
    internal DateTimeOffset? HeardAt => Volatile.Read(ref _heardAt) is > 0 and var ticks ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    internal void Heard() => Volatile.Write(ref _heardAt, time.GetUtcNow().UtcTicks);

    internal void CountEvent() => Interlocked.Increment(ref _events);

    internal void CountWatch() => Interlocked.Increment(ref _watches);

    internal void CountRelist() => Interlocked.Increment(ref _relists);

    internal void CountFailure() => Interlocked.Increment(ref _failures);

    internal void CountDecodeFault() => Interlocked.Increment(ref _faults);
}
