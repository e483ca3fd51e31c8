using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Ambient.Controller.Kubernetes;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Following;
using Ambient.Controller.Sources;
using Ambient.Tests.Kubernetes.Cluster;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>A source that runs, and everything that it has published.</summary>
internal sealed class FollowedSource : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly HashSet<SourceObject> _objects = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentQueue<string> _log = [];
    private readonly Task _running;
    private SourceChange? _last;

    private FollowedSource(string kubeconfig, FollowerTimes times, int seed)
    {
        Connection = new ApiConnection(kubeconfig, TimeProvider.System);
        Source = new KubernetesSource(Connection, times, TimeProvider.System, new Random(seed), new Recorder(_log));
        _running = Task.Run(() => Source.RunAsync(Take, _stop.Token));
    }

    /// <summary>What the tests' followers go by: shorter than in production, so that what they do happens within a test.</summary>
    internal static FollowerTimes Quick { get; } = new()
    {
        FirstRetry = TimeSpan.FromMilliseconds(50),
        LongestRetry = TimeSpan.FromSeconds(1),
        ForbiddenRetry = TimeSpan.FromMilliseconds(500),
        WatchLength = TimeSpan.FromSeconds(3),
    };

    internal ApiConnection Connection { get; }

    internal KubernetesSource Source { get; }

    internal IReadOnlyCollection<string> Log => _log;

    /// <summary>How often something was published.</summary>
    internal int Publications { get; private set; }

    /// <summary>Called with each change, on the source's thread, before anybody sees it.</summary>
    internal Action<SourceChange> Published { get; set; } = _ => { };

    /// <summary>The unknown kinds and the faults of now.</summary>
    internal SourceChange Last
    {
        get
        {
            lock (_lock)
                return _last!;
        }
    }

    internal static async Task<FollowedSource> StartAsync(string kubeconfig, FollowerTimes? times = null, int seed = 1)
    {
        var source = new FollowedSource(kubeconfig, times ?? Quick, seed);
        Assert.True(await Eventually.TrueAsync(() => source.Publications > 0 || source._running.IsCompleted), $"nothing is published:\n{string.Join('\n', source._log.TakeLast(10))}");
        if (source._running.IsFaulted)
            await source._running;
        return source;
    }

    internal ImmutableArray<T> All<T>()
        where T : SourceObject
    {
        lock (_lock)
            return [.. _objects.OfType<T>()];
    }

    /// <summary>The pods of some namespaces by name, with what tests compare.</summary>
    internal ImmutableSortedDictionary<string, string> Pods(params string[] namespaces) => All<PodObject>().Where(p => namespaces.Contains(p.Namespace))
        .ToImmutableSortedDictionary(p => $"{p.Namespace}/{p.Name}", p => $"{p.Uid} {p.Node} {string.Join(',', p.Addresses)} {string.Join(',', p.Labels.OrderBy(l => l.Key).Select(l => $"{l.Key}={l.Value}"))}");

    /// <summary>Waits until it holds.</summary>
    /// <returns>How long that took.</returns>
    internal async Task<TimeSpan> UntilAsync(Func<FollowedSource, bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        var holds = await Eventually.TrueAsync(() => condition(this) || _running.IsFaulted);
        if (_running.IsFaulted)
            await _running;
        Assert.True(holds, $"never came: {what}\n{string.Join('\n', _log.TakeLast(20))}");
        return watch.Elapsed;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private void Take(SourceChange change)
    {
        lock (_lock)
        {
            // The contract of IMeshSource: what is removed is what was added, and nothing is added twice.
            foreach (var gone in change.Removed)
                Assert.True(_objects.Remove(gone), $"{gone} is removed and was never added");
            foreach (var come in change.Added)
                Assert.True(_objects.Add(come), $"{come} is added twice");
            _last = change;
            // Told in the lock: who sees the change sees what its being told did, too.
            Published(change);
            Publications++;
        }
    }

    private sealed class Recorder(ConcurrentQueue<string> log) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");
    }
}
