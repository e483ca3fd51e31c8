using System.Net;
using Ambient.Controller.Replicas;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Who holds the Lease, to the tick, and by nobody's clock but one's own.</summary>
public sealed class LeaseElectorTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly OneLease _lease = new();

    [Fact]
    public async Task The_first_takes_a_Lease_that_nobody_made_and_the_second_follows()
    {
        var (first, second) = (Elector("first"), Elector("second"));
        await first.TryAsync(default);
        await second.TryAsync(default);
        Assert.Equal((true, false), (first.IsLeader, second.IsLeader));
        Assert.Equal(("first", 10, 0), (_lease.Record!.Holder, _lease.Record.DurationSeconds, _lease.Record.Transitions));
        Assert.True(first.WhenLeaderAsync(default).IsCompletedSuccessfully);
        Assert.False(second.WhenLeaderAsync(default).IsCompleted);
        Assert.True(second.Term.IsCancellationRequested);
    }

    [Fact]
    public async Task A_Lease_that_does_not_change_for_its_duration_is_taken_over_and_not_a_tick_earlier()
    {
        var (first, second) = (Elector("first"), Elector("second"));
        await first.TryAsync(default);
        await second.TryAsync(default);

        _time.Advance(LeaseElector.LeaseDuration - Tick);
        await second.TryAsync(default);
        Assert.False(second.IsLeader);
        _time.Advance(Tick);
        await second.TryAsync(default);
        Assert.True(second.IsLeader);
        Assert.False(first.IsLeader);
        Assert.Equal(("second", 1), (_lease.Record!.Holder, _lease.Record.Transitions));
    }

    [Fact]
    public async Task A_renewal_begins_the_wait_of_the_others_anew_whatever_time_it_names()
    {
        // The holder's clock is a year behind: only that the record changes counts.
        var behind = new FakeTimeProvider(_time.GetUtcNow().AddYears(-1));
        var (first, second) = (new LeaseElector(_lease, "first", behind, NullLogger.Instance), Elector("second"));
        await first.TryAsync(default);
        for (var i = 0; i < 10; i++)
        {
            await second.TryAsync(default);
            _time.Advance(LeaseElector.LeaseDuration - Tick);
            behind.Advance(LeaseElector.RetryPeriod);
            await first.TryAsync(default);
            await second.TryAsync(default);
            Assert.False(second.IsLeader);
        }
        Assert.True(first.IsLeader);
    }

    [Fact]
    public async Task A_holder_that_cannot_renew_gives_up_by_itself_before_anybody_may_follow()
    {
        var (first, second) = (Elector("first"), Elector("second"));
        await first.TryAsync(default);
        await second.TryAsync(default);
        var term = first.Term;

        _lease.IsAway = true;
        _time.Advance(LeaseElector.RenewLimit - Tick);
        await first.TryAsync(default);
        Assert.Equal((true, false), (first.IsLeader, term.IsCancellationRequested));
        _time.Advance(Tick);
        // Nobody calls it: the term ends by a timer, since a call of the API may hang.
        Assert.Equal((false, true), (first.IsLeader, term.IsCancellationRequested));

        _lease.IsAway = false;
        await second.TryAsync(default);
        Assert.False(second.IsLeader);
    }

    [Fact]
    public async Task A_call_that_hangs_is_cut_and_made_again_while_the_holder_may_still_renew()
    {
        var first = Elector("first");
        using var stop = new CancellationTokenSource();
        var running = first.RunAsync(stop.Token);
        await first.WhenLeaderAsync(default);
        var term = first.Term;
        _lease.Hangs = true;
        _time.Advance(LeaseElector.RetryPeriod);
        await _lease.HasHung.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        _lease.Hangs = false;
        var renewed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _lease.BeforeWrite = () => renewed.TrySetResult();

        _time.Advance(LeaseElector.TryLimit);

        await renewed.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.True(LeaseElector.RetryPeriod + LeaseElector.TryLimit < LeaseElector.RenewLimit);
        Assert.Equal((true, false), (first.IsLeader, term.IsCancellationRequested));
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Who_lost_a_race_follows_and_who_ends_lets_go_at_once()
    {
        var (first, second) = (Elector("first"), Elector("second"));
        _lease.BeforeWrite = () => _lease.Put(new LeaseRecord("second", 10, 0, null, null, null));
        await first.TryAsync(default);
        Assert.False(first.IsLeader);
        _lease.BeforeWrite = null;
        await second.TryAsync(default);
        Assert.True(second.IsLeader);

        using var stop = new CancellationTokenSource();
        var running = second.RunAsync(stop.Token);
        await stop.CancelAsync();
        await running;
        Assert.Equal(("", false), (_lease.Record!.Holder, second.IsLeader));
        await first.TryAsync(default);
        Assert.True(first.IsLeader);
    }

    [Fact]
    public async Task An_answer_that_took_longer_than_a_term_begins_none()
    {
        var first = Elector("first");
        _lease.BeforeWrite = () => _time.Advance(LeaseElector.RenewLimit);
        await first.TryAsync(default);
        Assert.False(first.IsLeader);
    }

    private LeaseElector Elector(string identity) => new(_lease, identity, _time, NullLogger.Instance);

    private sealed class OneLease : ILeaseStore
    {
        private readonly TaskCompletionSource _hasHung = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _version;

        public string Name => "test/lease";

        internal LeaseRecord? Record { get; private set; }

        internal bool IsAway { get; set; }

        /// <summary>Reads have no answer.</summary>
        internal bool Hangs { get; set; }

        /// <summary>Completes when a read hangs.</summary>
        internal Task HasHung => _hasHung.Task;

        internal Action? BeforeWrite { get; set; }

        public async Task<LeaseRecord?> ReadAsync(CancellationToken cancellation)
        {
            if (IsAway)
                throw new ClusterException("away", HttpStatusCode.ServiceUnavailable, new IOException());
            if (!Hangs)
                return Record;
            var hung = Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            _hasHung.TrySetResult();
            await hung;
            return null;
        }

        public Task<LeaseRecord?> TryWriteAsync(LeaseRecord record, CancellationToken cancellation)
        {
            BeforeWrite?.Invoke();
            if (record.Version != Record?.Version)
                return Task.FromResult<LeaseRecord?>(null);
            Put(record);
            return Task.FromResult(Record);
        }

        internal void Put(LeaseRecord record) => Record = record with { Version = $"{++_version}" };
    }
}
