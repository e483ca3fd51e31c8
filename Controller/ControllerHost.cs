using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Ambient.Controller.Admin;
using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Kubernetes;
using Ambient.Controller.Kubernetes.Access;
using Ambient.Controller.Kubernetes.Following;
using Ambient.Controller.Kubernetes.Writing;
using Ambient.Controller.Model;
using Ambient.Controller.Replicas;
using Ambient.Controller.Snapshots;
using Ambient.Controller.Sources;
using Ambient.Controller.Streams;
using Ambient.Controller.Streams.Tls;

namespace Ambient.Controller;

/// <summary>
/// The parts of a serving controller, put together: source -> model -> view and orders -> streams. Started whole, and
/// listening only once the source has been read, so that no node ever meets an empty mesh.
/// </summary>
internal sealed class ControllerHost : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstSnapshot = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IControllerStore _store;
    private readonly ModelKeeper _models;
    private readonly Announcer _announcer;
    private readonly ControllerMetrics _metrics = new();
    private readonly ILogger _logger;
    private readonly string _source;
    private ImmutableDictionary<string, SourceFault> _faults = ImmutableDictionary<string, SourceFault>.Empty;
    private ImmutableArray<string> _warnings = [];
    private ImmutableArray<string> _unknownKinds = [];
    private readonly List<Task> _running = [];   // until the process ends
    private Task _following = Task.CompletedTask;
    private WriteBack? _writeBack;
    private StreamServer? _streams;
    private AdminServer? _admin;

    private ControllerHost(ControllerOptions options, IControllerStore store, Announcer announcer, ILogger logger)
    {
        _store = store;
        _models = new ModelKeeper(options.TrustDomain, options.ExcludedNamespaces);
        _announcer = announcer;
        _logger = logger;
        _source = options.Source;
    }

    /// <summary>Where nodes connect.</summary>
    internal IPEndPoint EndPoint => _streams!.EndPoint;

    /// <summary>Where the admin pages are; null for nowhere.</summary>
    internal IPEndPoint? AdminEndPoint => _admin?.EndPoint;

    /// <summary>
    /// Ends if something ends that is to go on: following the source and the keys, writing, what replicas know of one another. It does so only by a
    /// fault of ours, after which the process must not look well.
    /// </summary>
    internal Task Running => Task.WhenAny([_following, .. _running, .. _store.Running is { } store ? [store] : Array.Empty<Task>()]).Unwrap();

    /// <summary>Starts everything.</summary>
    /// <param name="source">Where the mesh is described; the folder that the options name if it is null.</param>
    /// <exception cref="AuthorityException">Keys cannot be used.</exception>
    /// <exception cref="IOException">A folder cannot be read or written, or an address is in use.</exception>
    internal static async Task<ControllerHost> StartAsync(ControllerOptions options, TimeProvider time, ILoggerFactory loggers,
        CancellationToken cancellation = default, IMeshSource? source = null)
    {
        var logger = loggers.CreateLogger("controller");
        var api = options.Cluster is null ? null : new ApiConnection(options.Cluster.Kubeconfig, time);
        IControllerStore store = api is not null
            ? await ClusterParts.OpenAsync(() => api.Client, options.Cluster!, options.LeafLifetime, time, logger, cancellation)
            : StandaloneStore.Open(new StateFolder(options.State), options, time, logger);
        var history = new ViewHistory(new FingerprintKey(store.Orders.DeriveKey("ambient view fingerprint v1", FingerprintKey.KeyBytes)));
        var ledger = new EnrolmentLedger(time.GetUtcNow());
        ledger.Restore(store.Record?.Pods ?? []);
        var exclusions = new ExclusionLedger(time.GetUtcNow());
        exclusions.Restore(store.Record?.Exclusions ?? ImmutableDictionary<string, (ImmutableArray<uint>, ImmutableArray<uint>)>.Empty);
        var announcer = new Announcer(history, ledger, exclusions, store.File, new OrderDesk(store.Orders, options.OrderValidity),
            store.RosterOf(store.Record?.Nodes ?? []), store.KnowsPast, time, logger);
        store.Join(announcer, history.Epoch);

        var host = new ControllerHost(options, store, announcer, logger);
        try
        {
            if (api is not null && store.Leadership is { } leadership)
            {
                host._writeBack = new WriteBack(api, leadership, store.Self?.Name ?? "", options.ExcludedNamespaces, () => MeshNews.TroublesOf(announcer.Look(), store.ForeignTrust),
                    () => MeshNews.HealthyNodesOf(announcer.Look(), store.Remote?.Nodes), () => MeshNews.IsHiddenAnywhere(announcer.Look(), store.Remote?.Nodes), time, logger);
                host._running.Add(Task.Run(() => host._writeBack.RunAsync(host._stop.Token), CancellationToken.None));
            }
            source ??= api is not null && options.Source == ControllerOptions.KubernetesSource
                ? new KubernetesSource(api, FollowerTimes.Default, time, Random.Shared, logger, faults => host._writeBack?.Take(faults))
                : new FolderSource(options.Source, new LastGoodFiles(new StateFolder(options.State), logger), time, logger);
            if (source is KubernetesSource followed)
                host._metrics.Kinds = followed.Look;
            host._following = Task.Run(() => source.RunAsync(host.Take, host._stop.Token), CancellationToken.None);
            await Task.WhenAny(host._firstSnapshot.Task, host._following).Unwrap().WaitAsync(cancellation);

            var authority = store.Authority.Authority;
            var service = new NodeStreamService(announcer, new ViewSource(history), store.Nodes, authority, new CertificateDesk(authority, announcer.FaultOf, time),
                store.Vigil, store.Journal, host._metrics, time, logger);
            host._streams = await StreamServer.StartAsync(options.Listen, service, announcer,
                new ServerCertificate(authority, TlsMiddleware.Http2, time, logger), new ConnectionRefusals(host._metrics, logger, time), loggers);
            if (options.Admin is { } admin)
                host._admin = await AdminServer.StartAsync(admin, announcer, store, host.Warnings, host._metrics, time, loggers);
            var watch = new AuthorityWatch(store.Authority, host.RootsChanged, time, logger);
            host._running.Add(Task.Run(() => watch.RunAsync(host._stop.Token), CancellationToken.None));
            logger.Started(host.EndPoint.ToString(), options.TrustDomain, store.Place);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_streams is not null)
            await _streams.DisposeAsync();
        if (_admin is not null)
            await _admin.DisposeAsync();
        // Whoever waits for Running has heard of a fault.
        await Task.WhenAll([_following, .. _running]).ContinueWith(_ => { }, TaskScheduler.Default);
        await _store.DisposeAsync();
        _announcer.Dispose();
        _stop.Dispose();
    }

    // What one change of many led astray, all objects together may not: nobody is to wait for the next change.
    private bool TryAnew(SourceChange change, [NotNullWhen(true)] out MeshModel? model)
    {
        try
        {
            model = _models.Anew(change);
            return true;
        }
        catch (Exception bug)
        {
            _logger.ModelBug(bug);
            model = null;
            return false;
        }
    }

    private WarningsPage Warnings() => new([.. _faults.Values.Select(f => f.ToString()).Order(StringComparer.Ordinal)], _warnings, _unknownKinds);

    // Reading all of a large source leaves behind as much as it keeps, and nothing would ask for that memory again for a long time.
    private static void GiveBack()
    {
        const long Large = 64 << 20;
        if (GC.GetTotalMemory(forceFullCollection: false) > Large)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private void RootsChanged()
    {
        _announcer.OfferBundle(NodeStreamService.BundleOf(_store.Authority.Authority));
        _store.RootsChanged();
    }

    private void Take(SourceChange change)
    {
        _store.Take(change);
        foreach (var fault in change.Faults.Where(f => !_faults.TryGetValue(f.Place.Origin, out var known) || known != f))
            _logger.SourceBroken(fault.ToString());
        foreach (var mended in _faults.Keys.Except(change.Faults.Select(f => f.Place.Origin)))
            _logger.SourceMended(mended);
        _faults = change.Faults.DistinctBy(f => f.Place.Origin).ToImmutableDictionary(f => f.Place.Origin);
        _metrics.SourceFaults(_faults.Count);
        if (change.UnknownKinds.Except(_unknownKinds).ToList() is { Count: > 0 } unknown)
            _logger.KindsIgnored(string.Join(", ", unknown));
        _unknownKinds = change.UnknownKinds;

        MeshModel? model;
        try
        {
            model = _models.Apply(change);
        }
        catch (Exception bug) when (_announcer.IsReady)
        {
            // Objects that we cannot make sense of must not end the process: nodes would keep what they have and renew nothing.
            _logger.ModelBug(bug);
            if (!TryAnew(change, out model))
            {
                _writeBack?.Take(change, null);
                return;
            }
        }
        if (model.Warnings != _warnings)
        {
            foreach (var warning in model.Warnings.Except(_warnings))
                _logger.ModelWarning(warning);
        }
        _warnings = model.Warnings;
        _metrics.ModelWarnings(_warnings.Length);
        // A large source changes many times a second.
        _logger.SourceRead(_firstSnapshot.Task.IsCompleted ? LogLevel.Debug : LogLevel.Information, _source, _models.Objects, model.Pods.Count, model.Services.Count);
        _announcer.Publish(model);
        _store.Published(model);
        _writeBack?.Take(change, model);
        if (!_firstSnapshot.Task.IsCompleted)
            GiveBack();
        _firstSnapshot.TrySetResult();
    }
}
