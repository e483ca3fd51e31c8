namespace Ambient.Controller.Replicas;

/// <summary>
/// Has exactly one replica hold a Lease. Clocks of different machines are never compared: a holder counts as gone when its Lease has not
/// changed for as long as it asked to be believed, by the clock of whoever watches; and it gives up by its own clock well before that.
/// <code>
///                 free, released, or unchanged for LeaseDuration
///   FOLLOWS  ------------------------------------------------------>  LEADS   renews each RetryPeriod
///            &lt;------------------------------------------------------
///                 not renewed for RenewLimit, or another holder
/// </code>
/// </summary>
/// <param name="identity">Of this process, never of another one: a pod's name will do, since names of a Deployment's pods are not used again.</param>
internal sealed class LeaseElector(ILeaseStore store, string identity, TimeProvider time, ILogger logger) : ILeadership
{
    /// <summary>How long a Lease that does not change is somebody's. A holder that was killed is followed after this and at most one <see cref="RetryPeriod"/>.</summary>
    internal static readonly TimeSpan LeaseDuration = TimeSpan.FromSeconds(10);

    /// <summary>How long a holder believes itself without a renewal. The rest up to <see cref="LeaseDuration"/> is for what it has begun to write, and for clocks that run unevenly.</summary>
    internal static readonly TimeSpan RenewLimit = TimeSpan.FromSeconds(7);

    /// <summary>How often it renews or tries.</summary>
    internal static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    /// <summary>How long one try may take: a call that hangs is cut, and made again at once while there is time left to renew.</summary>
    internal static readonly TimeSpan TryLimit = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private CancellationTokenSource? _term;
    private ITimer? _limit; // ends the term though a call of the API hangs
    private TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LeaseRecord? _seen;
    private long _seenAt;
    private long _renewedAt;
    private string _lastFault = "";

    /// <inheritdoc/>
    public bool IsLeader
    {
        get { lock (_lock) return _term is not null && time.GetElapsedTime(_renewedAt) < RenewLimit; }
    }

    /// <inheritdoc/>
    public CancellationToken Term
    {
        get { lock (_lock) return _term?.Token ?? new CancellationToken(canceled: true); }
    }

    /// <inheritdoc/>
    public Task WhenLeaderAsync(CancellationToken cancellation)
    {
        lock (_lock)
            return _begun.Task.WaitAsync(cancellation);
    }

    /// <summary>Tries, holds and tries again until it is cancelled; then it lets go, so that another replica need not wait. Ends without an exception.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                if (await TryAsync(cancellation))
                    await Task.Delay(RetryPeriod, time, cancellation);
            }
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
        await ReleaseAsync();
    }

    /// <summary>Renews, or takes the Lease if it is to be had.</summary>
    /// <returns>False when there was no answer within <see cref="TryLimit"/>.</returns>
    internal async Task<bool> TryAsync(CancellationToken cancellation)
    {
        EndTermIfOver();
        using var limit = new CancellationTokenSource(TryLimit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            await TryWithinLimitAsync(either.Token);
            _lastFault = "";
        }
        catch (ClusterException e)
        {
            Tell(e.Message);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            Tell($"no answer within {TryLimit.TotalSeconds} s");
            EndTermIfOver();
            return false;
        }
        EndTermIfOver();
        return true;
    }

    private async Task TryWithinLimitAsync(CancellationToken cancellation)
    {
        // Before the call: the answer may take its time, and the others count from when the API wrote it.
        var asked = time.GetTimestamp();
        var found = await store.ReadAsync(cancellation);
        Observe(found);
        if (found is not null && found.Holder != identity && !IsFree(found))
        {
            EndTerm($"{found.Holder} holds it");
            return;
        }
        var isOurs = found?.Holder == identity;
        var now = time.GetUtcNow().UtcDateTime;
        var written = await store.TryWriteAsync(new LeaseRecord(identity, (int)LeaseDuration.TotalSeconds,
            (found?.Transitions ?? 0) + (isOurs || found is null ? 0 : 1), isOurs ? found!.AcquireTime : now, now, found?.Version), cancellation);
        if (written is null)
            return; // somebody was faster; the next try shows who
        Observe(written);
        BeginOrRenewTerm(asked, written.Transitions);
    }

    private void Tell(string fault)
    {
        if (_lastFault != fault)
            logger.LeaseNotTried(store.Name, fault);
        _lastFault = fault;
    }

    private void EndTermIfOver()
    {
        if (!IsLeader)
            EndTerm($"it was not renewed for {RenewLimit.TotalSeconds} s");
    }

    // Only that the record changed counts, and when this process saw that.
    private void Observe(LeaseRecord? record)
    {
        if (record == _seen)
            return;
        _seen = record;
        _seenAt = time.GetTimestamp();
    }

    private bool IsFree(LeaseRecord record) => record.Holder.Length == 0 || time.GetElapsedTime(_seenAt) >= TimeSpan.FromSeconds(record.DurationSeconds);

    private void BeginOrRenewTerm(long renewedAt, int term)
    {
        lock (_lock)
        {
            // An answer that took longer than a term may: others may have followed meanwhile, by their clocks.
            if (time.GetElapsedTime(renewedAt) >= RenewLimit)
                return;
            _renewedAt = renewedAt;
            _limit?.Change(RenewLimit - time.GetElapsedTime(renewedAt), Timeout.InfiniteTimeSpan);
            if (_term is not null)
                return;
            _limit = time.CreateTimer(_ => EndTermIfOver(), null, RenewLimit - time.GetElapsedTime(renewedAt), Timeout.InfiniteTimeSpan);
            _term = new CancellationTokenSource();
            _begun.TrySetResult();
        }
        logger.LeaseTaken(identity, store.Name, term);
    }

    private void EndTerm(string reason)
    {
        CancellationTokenSource? ended;
        lock (_lock)
        {
            ended = _term;
            if (ended is null)
                return;
            _term = null;
            _limit?.Dispose();
            _limit = null;
            _begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        ended.Cancel();
        ended.Dispose();
        logger.LeaseLost(store.Name, reason);
    }

    private async Task ReleaseAsync()
    {
        var held = IsLeader ? _seen : null;
        EndTerm("it was released");
        if (held is null)
            return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), time);
        try
        {
            await store.TryWriteAsync(held with { Holder = "", DurationSeconds = 1 }, limit.Token);
        }
        catch (Exception e) when (e is ClusterException or OperationCanceledException)
        {
            // Then the others wait for its end, as after a crash.
        }
    }
}
