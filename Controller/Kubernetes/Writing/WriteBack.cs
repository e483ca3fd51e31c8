using System.Collections.Immutable;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Model;
using Ambient.Controller.Replicas;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Kubernetes.Writing;

/// <summary>
/// Tells the cluster what the mesh made of it: conditions, Events, and nodes that are ready. Only while this replica holds the Lease, and
/// asked anew before each round; what a lost Lease leaves undone the next holder does.
/// </summary>
/// <param name="troubles">What is not as it was asked for, in the whole mesh, apart from what the source itself tells.</param>
/// <param name="healthy">Nodes that have proved themselves, in the whole mesh.</param>
/// <param name="isHidden">Whether there is a node that does not see service addresses.</param>
internal sealed class WriteBack(ApiConnection connection, ILeadership leadership, string replica, Func<IReadOnlyCollection<Trouble>> troubles,
    Func<IReadOnlySet<string>> healthy, Func<bool> isHidden, TimeProvider time, ILogger logger)
{
    /// <summary>Time between two rounds.</summary>
    internal static readonly TimeSpan RoundInterval = TimeSpan.FromSeconds(1);

    // A server that is in trouble, or a right that is missing, is not asked every second.
    private static readonly TimeSpan RestAfterFailure = TimeSpan.FromSeconds(10);

    // However long it asks to be left alone.
    private static readonly TimeSpan LongestRest = TimeSpan.FromMinutes(5);

    private readonly ConditionWriter _conditions = new(new ApiWriter(connection), time, logger);
    private readonly EventWriter _events = new(new ApiWriter(connection), replica, time, logger);
    private readonly EnrolmentLabels _labels = new();
    private readonly TaintRemover _taints = new(new ApiWriter(connection), logger);
    private readonly RouteWriter _routes = new(new ApiWriter(connection), time, logger);
    private readonly Rests<string> _rests = new(RestAfterFailure, time);
    private readonly Dictionary<string, string> _failures = [];

    /// <summary>Takes what the source published. For the source's thread.</summary>
    /// <param name="model">What was made of it; null if that failed, and the one before stays in force.</param>
    internal void Take(SourceChange change, MeshModel? model)
    {
        _conditions.Take(change, model?.Verdicts);
        _labels.Take(change);
        _taints.Take(change);
        _routes.Take(change, model?.EnrolledNamespaces);
    }

    /// <summary>Takes what the source cannot read, before it has published anything: it may be what keeps it from that.</summary>
    internal void Take(ImmutableArray<SourceFault> faults) => _conditions.Take(faults);

    /// <summary>Writes until cancelled; ends without an exception then.</summary>
    internal async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await leadership.WhenLeaderAsync(cancellation);
                using var term = CancellationTokenSource.CreateLinkedTokenSource(leadership.Term, cancellation);
                _conditions.BeginTerm();
                _taints.BeginTerm();
                _routes.BeginTerm();
                await WriteDuringTermAsync(term.Token, cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The end that was asked for.
        }
    }

    private async Task WriteDuringTermAsync(CancellationToken term, CancellationToken cancellation)
    {
        try
        {
            while (leadership.IsLeader)
            {
                await TryAsync("conditions", _conditions.WriteAsync, term);
                await TryAsync("taints", token => _taints.WriteAsync(healthy(), token), term);
                await TryAsync("routes", token => _routes.WriteAsync(isHidden(), token), term);
                // Labels last: they are anybody's, and are not to use up what may be told.
                await TryAsync("events", token => _events.WriteAsync([.. troubles(), .. _labels.Troubles], token), term);
                await Task.Delay(RoundInterval, time, term);
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The term is over.
        }
    }

    // One that fails must not keep the others from being written.
    private async Task TryAsync(string what, Func<CancellationToken, Task> write, CancellationToken term)
    {
        if (_rests.Has(what))
            return;
        try
        {
            await write(term);
            _failures.Remove(what);
        }
        catch (Exception e) when (e is ApiRefusal or HttpRequestException or IOException or TimeoutException)
        {
            _rests.Set(what, e is ApiRefusal refusal ? AskedPause.Within(refusal.Status, refusal.RetryAfter, RestAfterFailure, LongestRest) : RestAfterFailure);
            if (_failures.GetValueOrDefault(what) != e.Message)
                logger.WriteBackFailed(what, e.Message);
            _failures[what] = e.Message;
        }
    }
}
