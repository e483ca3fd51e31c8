using System.Collections.Immutable;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Decoding;
using Ambient.Controller.Kubernetes.Following;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes;

/// <summary>
/// The Kubernetes API as the source of the mesh: follows the kinds of <see cref="KindCatalog"/> and publishes what changed, in one go what
/// came in a burst. Nothing is published until all is known that there is.
/// </summary>
/// <param name="random">For waits; a test's own for the same ones each time.</param>
/// <param name="waits">Told, while nothing is published yet, of objects that cannot be read, of which one may be what is waited for.</param>
internal sealed class KubernetesSource(ApiConnection connection, FollowerTimes times, TimeProvider time, Random random, ILogger logger,
    Action<ImmutableArray<SourceFault>>? waits = null) : IMeshSource
{
    /// <summary>How long changes are gathered before they are published. A rollout tells of several objects for each pod.</summary>
    internal static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(15);

    // Said once in so long, while the first publication waits for something.
    private static readonly TimeSpan ComplainInterval = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private readonly PendingChanges _pending = new();
    private readonly SemaphoreSlim _changed = new(0);
    private readonly List<ObjectTable> _tables = [];
    private readonly Dictionary<string, FollowTally> _tallies = [];
    private ObjectTable? _definitions;
    private readonly Reachability _reachability = new(connection, logger);
    private readonly TaskCompletionSource _bug = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Objects that are known.</summary>
    internal int Count
    {
        get
        {
            lock (_gate)
                return _tables.Sum(table => table.ObjectsLocked.Count());
        }
    }

    /// <summary>How it goes with each kind that is followed now.</summary>
    internal IReadOnlyList<KindFigures> Look()
    {
        lock (_gate)
            return [.. _tables.Concat(_definitions is { } definitions ? [definitions] : []).Select(table => new KindFigures(table.Kind.QualifiedName, table.CountLocked, table.Tally))];
    }

    /// <inheritdoc/>
    public async Task RunAsync(Action<SourceChange> publish, CancellationToken cancellation)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var following = new List<Task>();
        try
        {
            var slices = await SlicesAsync(end.Token);
            foreach (var kind in KindCatalog.Core)
                following.Add(Watched(Follow(kind.Plural == slices.Plural ? slices : kind, end.Token)));
            InstalledKinds? installed = null;
            var definitions = new ObjectTable(KindCatalog.Definitions, item => ObjectReading.Read(KindCatalog.Definitions, item), (_, _) =>
            {
                installed?.Nudge();
                Signal();
            }, TallyOf(KindCatalog.Definitions), _gate);
            lock (_gate)
                _definitions = definitions;
            installed = new InstalledKinds(definitions, connection, (kind, stop) => Watched(Follow(kind, stop)), _gate, logger);
            following.Add(Watched(FollowerOf(definitions).RunAsync(end.Token)));
            following.Add(Watched(installed.RunAsync(end.Token)));
            await PublishAsync(installed, publish, end.Token);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The end that was asked for.
        }
        finally
        {
            await end.CancelAsync();
            await Task.WhenAll(following);
        }
    }

    private async Task PublishAsync(InstalledKinds installed, Action<SourceChange> publish, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        var complained = began;
        var isFirst = true;
        string told = "";
        while (true)
        {
            var more = _changed.WaitAsync(ComplainInterval, cancellation);
            await await Task.WhenAny(more, _bug.Task);
            await Task.Delay(Gathering, time, cancellation);
            while (_changed.Wait(0, CancellationToken.None))
            {
                // What was signalled meanwhile is part of what is published now.
            }

            SourceChange? change = null;
            var waiting = "";
            ImmutableArray<SourceFault> faults;
            lock (_gate)
            {
                faults = [.. _tables.SelectMany(table => table.FaultsLocked).OrderBy(f => f.Place.Origin, StringComparer.Ordinal)];
                waiting = isFirst ? WaitingForLocked(installed) : "";
                if (waiting.Length == 0)
                {
                    var unknown = UnknownKindsLocked(installed);
                    var circumstances = $"{string.Join(' ', unknown)}\n{string.Join('\n', faults)}";
                    if (isFirst || !_pending.IsEmpty || circumstances != told)
                    {
                        var (added, removed) = _pending.TakeLocked();
                        change = new SourceChange(added, removed, unknown, faults, IsStandalone: false);
                        told = circumstances;
                    }
                }
            }
            if (waiting.Length > 0)
                waits?.Invoke(faults);
            if (change is not null)
            {
                if (isFirst)
                    logger.ApiRead(connection.Name, change.Added.Length, time.GetElapsedTime(began).TotalSeconds);
                isFirst = false;
                publish(change);
            }
            else if (waiting.Length > 0 && time.GetElapsedTime(complained) > ComplainInterval)
            {
                complained = time.GetTimestamp();
                logger.SourceIncomplete(waiting);
            }
        }
    }

    /// <summary>Begins to follow a kind.</summary>
    private Task Follow(FollowedKind kind, CancellationToken cancellation)
    {
        var table = new ObjectTable(kind, item => ObjectReading.Read(kind, item), (before, after) =>
        {
            _pending.NoteLocked(before, after);
            Signal();
        }, TallyOf(kind), _gate);
        lock (_gate)
            _tables.Add(table);
        return FollowUntilGoneAsync(table, cancellation);
    }

    private async Task FollowUntilGoneAsync(ObjectTable table, CancellationToken cancellation)
    {
        await FollowerOf(table).RunAsync(cancellation);
        table.Clear();
        lock (_gate)
            _tables.Remove(table);
        Signal();
    }

    private Follower FollowerOf(ObjectTable table) =>
        new(table.Kind, table.Kind.Versions[0], connection, table, table.Tally, _reachability, times, time, new Random(random.Next()), logger);

    // One that is uninstalled and comes again is counted on.
    private FollowTally TallyOf(FollowedKind kind)
    {
        lock (_gate)
            return _tallies.TryGetValue(kind.QualifiedName, out var tally) ? tally : _tallies[kind.QualifiedName] = new FollowTally(time);
    }

    private string WaitingForLocked(InstalledKinds installed) => string.Join(", ", _tables.Where(table => !table.IsSettledLocked)
        .Select(table => table.IsBlockedLocked ? $"{table.Kind.QualifiedName} (its settings cannot be read)"
            : table.ForbiddenReason is not null ? $"{table.Kind.QualifiedName} (forbidden)" : table.Kind.QualifiedName)
        .Concat(installed.IsKnownLocked ? [] : [KindCatalog.Definitions.QualifiedName]));

    // Policies that may not be read, are not read yet, or that nobody knows, count as kinds that are not understood: they end in NetworkPolicy
    // for the model, which keeps no traffic off the network then.
    private ImmutableArray<string> UnknownKindsLocked(InstalledKinds installed) =>
    [
        .. _tables.Where(table => table.Kind.IsNetworkPolicy && (table.ForbiddenReason is not null || !table.HasListed)).Select(table => table.Kind.QualifiedKind)
            .Concat(installed.UnknownKindsLocked).Distinct().Order(StringComparer.Ordinal),
    ];

    private void Signal()
    {
        if (_changed.CurrentCount == 0)
            _changed.Release();
    }

    // A follower ends by being cancelled, or by a bug of ours, which must not pass for silence.
    private Task Watched(Task following) => following.ContinueWith(ended =>
    {
        if (ended.IsFaulted)
            _bug.TrySetException(ended.Exception!.InnerExceptions);
    }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    /// <summary>Which endpoint slices the server has; waits for it while it is away.</summary>
    private async Task<FollowedKind> SlicesAsync(CancellationToken cancellation)
    {
        var backoff = new Backoff(times.FirstRetry, times.LongestRetry, random);
        while (true)
        {
            try
            {
                var versions = await Discovery.VersionsOfAsync(connection, "discovery.k8s.io", cancellation);
                _reachability.Answered();
                return KindCatalog.EndpointSlices(versions.Contains("v1") || !versions.Contains("v1beta1") ? "v1" : "v1beta1");
            }
            catch (Exception e) when (e is ApiRefusal or HttpRequestException or IOException or TimeoutException)
            {
                _reachability.Failed("discovery", e.Message);
            }
            await Task.Delay(backoff.Next(), time, cancellation);
        }
    }
}
