using System.Threading.Channels;
using Ambient.Controller.Streams;
using Ambient.Protocol.Discovery.V1;
using Grpc.Core;

namespace Ambient.Controller.Replicas;

/// <summary>
/// One stream of a node that this replica holds, and the MeshNode by which the other replicas know of it. What the node reports is first
/// written there and then acted upon, so that no replica announces what its successor would not find.
/// <code>
///   begin --read, write with the next stream number--> CLAIMED --what changed, at most each 200 ms--> end --write: not connected-->
///                       | somebody wrote                  | a higher stream number is there
///                       +--> read again                   +--> SUPERSEDED: the stream ends, nothing more is written
/// </code>
/// An API that is away holds a report up for at most <see cref="NodeJournal.WriteAhead"/>.
/// </summary>
internal sealed class HeldNode(NodeSession session, IMeshNodeStore store, JournalContext context)
{
    // A node may tell of pods that our source has not shown yet: at most those of a full node, twice.
    private const int MaxUnplaced = 500;
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Channel<bool> _wakeUps = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<string, PodReport> _waiting = [];
    private readonly OrderedDictionary<string, PodReport> _unplaced = [];
    private readonly Dictionary<string, MeshNodePod> _pods = [];
    private bool _isDirty = true;
    private bool _isEnded;
    private bool _isOver;
    private bool _isClaimed;
    private volatile bool _isLagging; // as it was written
    private long _stream;
    private string? _version;

    internal NodeSession Session => session;

    /// <summary>Completes when nothing is written any more.</summary>
    internal Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Begins to write, after another stream of the same node on this replica has ended doing so.</summary>
    internal void Start(Task before, CancellationToken cancellation) => Completion = Task.Run(() => RunAsync(before, cancellation), CancellationToken.None);

    /// <summary>The node reported how far a pod is.</summary>
    internal void Report(PodReport report)
    {
        var place = context.PlaceOf(report.Uid);
        lock (_lock)
        {
            _unplaced.Remove(report.Uid);
            if (place == session.Node)
            {
                PostLocked(report);
                return;
            }
            // Of a pod that our source has not shown yet, as another replica's had: it waits. What has ended is no longer in any source.
            if (place is null && report.Phase is not (PodPhase.Released or PodPhase.Gone))
            {
                if (_unplaced.Count >= MaxUnplaced)
                    _unplaced.RemoveAt(0);
                _unplaced.Add(report.Uid, report);
                return;
            }
        }
        context.Deliver(session.Node, report); // refused there, with a word to people
    }

    /// <summary>There is another model: pods that were unknown may be known now.</summary>
    internal void ModelChanged()
    {
        lock (_lock)
        {
            foreach (var report in _unplaced.Values.Where(r => context.PlaceOf(r.Uid) == session.Node).ToList())
            {
                _unplaced.Remove(report.Uid);
                PostLocked(report);
            }
        }
    }

    /// <summary>Something changed that the node's session or record holds.</summary>
    internal void Touch()
    {
        lock (_lock)
            _isDirty = true;
        _wakeUps.Writer.TryWrite(true);
    }

    /// <summary>Looks whether the node has begun to owe an ack for long, or has stopped to.</summary>
    internal void LookForLag()
    {
        if (LagOf(session.StatusNow()) is not null != _isLagging)
            Touch();
    }

    /// <summary>The stream ended.</summary>
    internal void End()
    {
        lock (_lock)
            (_isEnded, _isDirty) = (true, true);
        _wakeUps.Writer.TryWrite(true);
    }

    /// <summary>Nothing more is to be written: another stream of the node does.</summary>
    internal void Stop()
    {
        lock (_lock)
            _isOver = true;
        _wakeUps.Writer.TryWrite(true);
    }

    /// <summary>Another replica wrote a status of this node.</summary>
    internal void SeenElsewhere(MeshNodeStatus status)
    {
        lock (_lock)
        {
            if (!_isClaimed || status.Stream <= _stream || _isOver)
                return;
            _isOver = true;
        }
        context.Moved(session.Node, status.Replica);
        session.End(StatusCode.Aborted, $"a newer stream of node {session.Node} took over, at {status.Replica}");
        _wakeUps.Writer.TryWrite(true);
    }

    private async Task RunAsync(Task before, CancellationToken cancellation)
    {
        try
        {
            // The stream before may hang in a write, and this one's reports are not to wait for that.
            await OutlastAsync(before, [], cancellation);
            var pause = TimeSpan.Zero;
            while (await HasWorkAsync(pause, cancellation))
            {
                var started = context.Time.GetTimestamp();
                var rest = NodeJournal.CoalesceTime;
                if (await WriteAheadAsync(cancellation))
                    rest -= context.Time.GetElapsedTime(started);
                else if (pause > TimeSpan.Zero)
                    rest = pause * 2 < LongestRetry ? pause * 2 : LongestRetry;
                pause = rest;
            }
        }
        catch (OperationCanceledException)
        {
            // The process ends; the node tells the next replica all of it again.
        }
        catch (Exception bug)
        {
            // Without its journal nobody would hear the node any more: it has to begin anew.
            context.Bug(session.Node, bug);
            session.End(StatusCode.Internal, "a bug of the controller");
        }
    }

    private async Task<bool> HasWorkAsync(TimeSpan pause, CancellationToken cancellation)
    {
        if (pause > TimeSpan.Zero)
            await OutlastAsync(Task.Delay(pause, context.Time, cancellation), [], cancellation);
        while (true)
        {
            lock (_lock)
            {
                // A stream that ended before it was written anywhere leaves nothing to take back.
                if (_isOver || (_isEnded && (!_isDirty || !_isClaimed)))
                    return false;
                if (_isDirty)
                    return true;
            }
            await _wakeUps.Reader.ReadAsync(cancellation);
        }
    }

    private async Task<bool> WriteAheadAsync(CancellationToken cancellation)
    {
        PodReport[] reports;
        lock (_lock)
        {
            reports = TakeWaitingLocked();
            _isDirty = false;
        }
        var writing = WriteAsync(cancellation);
        await OutlastAsync(writing, reports, cancellation);
        if (await writing)
            return true;
        lock (_lock)
            _isDirty = true;
        return false;
    }

    // Waits for the API, or until it is asked again. What is reported meanwhile is acted upon when its time is over, however long that takes;
    // it is written with the next write.
    private async Task OutlastAsync(Task waited, PodReport[] reports, CancellationToken cancellation)
    {
        while (true)
        {
            using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
            {
                await Task.WhenAny(waited, Task.Delay(NodeJournal.WriteAhead, context.Time, limit.Token));
                await limit.CancelAsync();
            }
            Deliver(reports);
            if (waited.IsCompleted)
                break;
            cancellation.ThrowIfCancellationRequested();
            lock (_lock)
                reports = TakeWaitingLocked();
            Deliver(reports);
            reports = [];
        }
        await waited;
    }

    private void Deliver(PodReport[] reports)
    {
        foreach (var report in reports)
            context.Deliver(session.Node, report);
    }

    private PodReport[] TakeWaitingLocked()
    {
        PodReport[] reports = [.. _waiting.Values];
        _waiting.Clear();
        return reports;
    }

    private async Task<bool> WriteAsync(CancellationToken cancellation)
    {
        await context.Writes.WaitAsync(cancellation);
        try
        {
            if (!_isClaimed)
                await PrepareClaimAsync(cancellation);
            if (await store.TryWriteAsync(session.Node, _version, StatusNow(), cancellation) is { } written)
            {
                lock (_lock)
                    (_version, _isClaimed) = (written, true);
                return true;
            }
            if (_isClaimed)
            {
                var found = await store.ReadAsync(session.Node, cancellation);
                _version = found?.Metadata.ResourceVersion;
                if (found?.Status is { } status)
                    SeenElsewhere(status);
            }
            return false;
        }
        catch (ClusterException e)
        {
            context.Failed(e);
            return false;
        }
        finally
        {
            context.Writes.Release();
        }
    }

    private async Task PrepareClaimAsync(CancellationToken cancellation)
    {
        var found = await store.ReadAsync(session.Node, cancellation);
        _version = found?.Metadata.ResourceVersion;
        lock (_lock)
        {
            _stream = (found?.Status?.Stream ?? 0) + 1;
            // What another replica wrote of a pod stands until the node has told it here.
            foreach (var pod in found?.Status?.Pods ?? [])
                _pods.TryAdd(pod.Uid, pod);
        }
        if (found?.Status is { } status)
            context.Found(session.Node, status);
    }

    private void PostLocked(PodReport report)
    {
        _waiting[report.Uid] = report;
        _pods[report.Uid] = PodReports.ToStatus(report, _pods.GetValueOrDefault(report.Uid));
        _isDirty = true;
        _wakeUps.Writer.TryWrite(true);
    }

    private DateTimeOffset? LagOf(SessionStatus status) => status.OutstandingSince is { } since && context.Time.GetUtcNow() - since >= NodeJournal.LongLag ? since : null;

    private MeshNodeStatus StatusNow()
    {
        var status = session.StatusNow();
        _isLagging = LagOf(status) is not null;
        var record = context.RecordOf(session.Node);
        lock (_lock)
        {
            foreach (var uid in _pods.Keys.Where(uid => context.PlaceOf(uid) != session.Node).ToList())
                _pods.Remove(uid);
            return new MeshNodeStatus
            {
                Replica = context.Replica,
                Stream = _stream,
                Connected = !_isEnded,
                ConnectedSince = status.ConnectedSince.UtcDateTime,
                Peer = status.Peer,
                Software = status.Software,
                BootId = record.BootId,
                Capabilities = record.Capabilities,
                OrderVersion = (long)record.OrderVersion,
                AckedVersion = (long)status.AckedVersion,
                Epoch = context.Epoch,
                UnackedSince = LagOf(status)?.UtcDateTime,
                LastNack = status.LastNack,
                Health = status.Health is { } health ? new MeshNodeHealth(HealthState.Of(health), health.Reason, health.Detail) : null,
                Pods = [.. _pods.Values.OrderBy(p => p.Uid, StringComparer.Ordinal)],
            };
        }
    }
}
