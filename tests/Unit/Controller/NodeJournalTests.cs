using System.Collections.Concurrent;
using System.Diagnostics;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Replicas;
using Ambient.Controller.Snapshots;
using Ambient.Controller.Streams;
using Ambient.Protocol.Discovery.V1;
using Grpc.Core;
using Microsoft.Extensions.Time.Testing;

namespace Ambient.Tests.Unit.Controller;

/// <summary>What a node says is written down before it counts, but never waits long for that, and is never dropped.</summary>
public sealed class NodeJournalTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ConcurrentQueue<string> _delivered = new();
    private readonly ConcurrentQueue<string> _left = new();
    private readonly Store _store = new();

    [Fact]
    public async Task Of_two_streams_that_begin_at_once_the_later_one_is_written_down_in_whichever_order_they_say_so()
    {
        var journal = Journal();
        var (first, second) = (Session(), Session());
        // The announcer took the first in, then the second, which ended the first; the first one's thread comes later to the journal.
        first.End(StatusCode.Aborted, "a newer stream of node a took over");
        journal.Began(second);
        journal.Began(first);
        journal.Ended(first);

        journal.Report(second, Captured("web"));
        await UntilAsync(() => _delivered.Contains("web"));
        await UntilAsync(() => _store.Written?.Pods is [{ Uid: "web", Enrolled: true }]);
        await journal.StopAsync();
    }

    [Fact]
    public async Task A_store_that_hangs_holds_up_each_report_for_the_same_short_time_and_none_for_the_whole_call()
    {
        var journal = Journal();
        var session = Session();
        journal.Began(session);
        await UntilAsync(() => _store.Written is not null);
        _store.Hangs = true;
        for (var i = 0; i < 5; i++)
        {
            journal.Report(session, Captured($"pod-{i}"));
            var waited = await UntilAsync(() => _delivered.Contains($"pod-{i}"));
            TestContext.Current.SendDiagnosticMessage($"delivered after {waited.TotalMilliseconds} ms (bound {NodeJournal.WriteAhead.TotalMilliseconds} ms)");
            Assert.True(waited < NodeJournal.WriteAhead * 10, $"{waited}");
        }
        Assert.True(_store.IsHanging);
        await journal.StopAsync();
    }

    [Fact]
    public async Task A_new_stream_does_not_wait_for_a_write_of_the_one_before_that_hangs()
    {
        var journal = Journal();
        var (before, after) = (Session(), Session());
        journal.Began(before);
        await UntilAsync(() => _store.Written is not null);
        _store.Hangs = true;
        journal.Report(before, Captured("old"));
        await UntilAsync(() => _store.IsHanging);

        before.End(StatusCode.Aborted, "a newer stream of node a took over");
        journal.Began(after);
        journal.Ended(before);
        journal.Report(after, Captured("new"));
        var waited = await UntilAsync(() => _delivered.Contains("new"));
        Assert.True(waited < NodeJournal.WriteAhead * 10, $"{waited}");
        Assert.True(_store.IsHanging);
        await journal.StopAsync();
    }

    [Fact]
    public async Task What_another_replica_wrote_of_a_node_before_its_stream_here_had_ended_counts_from_that_end_on()
    {
        var (isHere, records, reports) = (true, new List<NodeRecord>(), new List<PodReport>());
        var remote = new RemoteNodes("here", record => Take(records, record), (_, report) => Take(reports, report));
        var moved = new MeshNodeStatus { Replica = "there", Connected = true, BootId = "boot-2", Pods = [PodReports.ToStatus(Captured("web"), null)] };
        remote.Take("a", moved);
        Assert.Empty(reports);

        remote.StreamEnded("a");  // of another process of the node: its stream is still here
        Assert.Empty(reports);
        isHere = false;
        remote.StreamEnded("a");
        Assert.Equal(("boot-2", "web"), (Assert.Single(records).BootId, Assert.Single(reports).Uid));
        remote.StreamEnded("a");
        Assert.Single(records);

        // The journal is who says so.
        var journal = Journal();
        journal.Ended(Session());
        Assert.Equal(["a"], _left);
        await journal.StopAsync();

        bool Take<T>(List<T> taken, T item)
        {
            if (!isHere)
                taken.Add(item);
            return !isHere;
        }
    }

    private NodeJournal Journal() => new(_store, new JournalContext("here", "epoch", _time)
    {
        PlaceOf = _ => "a",
        RecordOf = NodeRecord.New,
        Deliver = (_, report) => _delivered.Enqueue(report.Uid),
        Found = (_, _) => { },
        Left = _left.Enqueue,
        Moved = (_, _) => { },
        Failed = _ => { },
        Bug = (_, bug) => throw bug,
    });

    private NodeSession Session() => new(new Hello { Node = "a", BootId = "boot-1" }, "peer", new ViewSource(new ViewHistory()), new PushTurns(_time), _time);

    private static PodReport Captured(string uid) => new() { Uid = uid, Phase = PodPhase.Captured };

    // Lets the clock of the journal run until something is so; how long that took by that clock.
    private async Task<TimeSpan> UntilAsync(Func<bool> isSo)
    {
        var began = _time.GetUtcNow();
        for (var watch = Stopwatch.StartNew(); !isSo(); await Task.Delay(2))
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), "it never came to be so");
            _time.Advance(TimeSpan.FromMilliseconds(20));
        }
        return _time.GetUtcNow() - began;
    }

    private sealed class Store : IMeshNodeStore
    {
        private int _version;

        internal MeshNodeStatus? Written { get; private set; }

        internal volatile bool Hangs;

        internal volatile bool IsHanging;

        public Task<MeshNode?> ReadAsync(string name, CancellationToken cancellation) => Task.FromResult<MeshNode?>(null);

        public async Task<string?> TryWriteAsync(string name, string? version, MeshNodeStatus status, CancellationToken cancellation)
        {
            if (Hangs)
            {
                IsHanging = true;
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            }
            Written = status;
            return $"{++_version}";
        }
    }
}
