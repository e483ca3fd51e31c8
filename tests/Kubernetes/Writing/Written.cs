using System.Collections.Immutable;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Controller.Model;
using Ambient.Controller.Replicas;
using Ambient.Controller.Sources;
using Ambient.Tests.Kubernetes.Cluster;
using Ambient.Tests.Kubernetes.Source;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ambient.Tests.Kubernetes.Writing;

/// <summary>A write-back beside a source, whose terms a test begins and ends.</summary>
internal sealed class Written : IAsyncDisposable, ILeadership
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private CancellationTokenSource _term = new();
    private TaskCompletionSource _leads = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Written(ApiServer server, FollowedSource source)
    {
        _leads.SetResult();
        var writing = new WriteBack(new ApiConnection(server.KubeconfigPath, TimeProvider.System), this, "replica-1", () => Troubles, () => Healthy, TimeProvider.System, NullLogger.Instance);
        // All that was published before, and what is from now on.
        var builder = new ModelBuilder("cluster.local");
        source.Published = change => writing.Take(change, builder.Apply(change));
        var all = new SourceChange([.. source.All<SourceObject>()], [], source.Last.UnknownKinds, source.Last.Faults, IsStandalone: false);
        writing.Take(all, builder.Apply(all));
        _running = Task.Run(() => writing.RunAsync(_stop.Token));
    }

    internal IReadOnlyCollection<Trouble> Troubles { get; set; } = [];

    internal IReadOnlySet<string> Healthy { get; set; } = ImmutableHashSet<string>.Empty;

    public bool IsLeader { get; private set; } = true;

    public CancellationToken Term => _term.Token;

    internal static Written Start(ApiServer server, FollowedSource source) => new(server, source);

    public Task WhenLeaderAsync(CancellationToken cancellation) => _leads.Task.WaitAsync(cancellation);

    internal void EndTerm()
    {
        IsLeader = false;
        _leads = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _term.Cancel();
    }

    internal void BeginTerm()
    {
        _term = new CancellationTokenSource();
        IsLeader = true;
        _leads.SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }
}
