using System.Collections.Immutable;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Controller.Model;
using Ambient.Controller.Replicas;
using Ambient.Controller.Sources;
using Ambient.Protocol.Model;
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

    private Written(string kubeconfig, FollowedSource source)
    {
        _leads.SetResult();
        var writing = new WriteBack(new ApiConnection(kubeconfig, TimeProvider.System), this, "replica-1", ExcludedNamespaces.With(["infra"]), () => Troubles, () => Healthy, () => IsHidden, TimeProvider.System, NullLogger.Instance);
        // All that was published before, and what is from now on: by the source's own task, which may publish while this one takes up the rest.
        var builder = new ModelBuilder("cluster.local");
        Lock turn = new();
        void Take(SourceChange change)
        {
            lock (turn)
                writing.Take(change, builder.Apply(change));
        }

        lock (turn)
        {
            source.Published = Take;
            Take(new SourceChange([.. source.All<SourceObject>()], [], source.Last.UnknownKinds, source.Last.Faults, IsStandalone: false));
        }
        _running = Task.Run(() => writing.RunAsync(_stop.Token));
    }

    internal IReadOnlyCollection<Trouble> Troubles { get; set; } = [];

    internal bool IsHidden { get; set; }

    internal IReadOnlyDictionary<string, string> Healthy { get; set; } = ImmutableDictionary<string, string>.Empty;

    public bool IsLeader { get; private set; } = true;

    public CancellationToken Term => _term.Token;

    internal static Written Start(ApiServer server, FollowedSource source) => new(server.KubeconfigPath, source);

    /// <param name="kubeconfig">Of who writes.</param>
    internal static Written Start(string kubeconfig, FollowedSource source) => new(kubeconfig, source);

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
