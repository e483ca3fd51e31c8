using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Admin;
using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Ambient.Controller.Sources;
using Ambient.Controller.Streams;

namespace Ambient.Controller;

/// <summary>
/// The parts of a serving controller, put together: source -> model -> view and orders -> streams. Started whole, and
/// listening only once the source has been read, so that no node ever meets an empty mesh.
/// </summary>
internal sealed class ControllerHost : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstSnapshot = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ModelKeeper _models;
    private readonly Announcer _announcer;
    private readonly ControllerMetrics _metrics = new();
    private readonly ILogger _logger;
    private readonly string _source;
    private ImmutableDictionary<string, SourceFault> _faults = ImmutableDictionary<string, SourceFault>.Empty;
    private ImmutableArray<string> _warnings = [];
    private ImmutableArray<string> _unknownKinds = [];
    private Task _following = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private StreamServer? _streams;
    private AdminServer? _admin;

    private ControllerHost(ControllerOptions options, Announcer announcer, ILogger logger)
    {
        _models = new ModelKeeper(options.TrustDomain);
        _announcer = announcer;
        _logger = logger;
        _source = options.Source;
    }

    /// <summary>Where nodes connect.</summary>
    internal IPEndPoint EndPoint => _streams!.EndPoint;

    /// <summary>Where the admin pages are; null for nowhere.</summary>
    internal IPEndPoint? AdminEndPoint => _admin?.EndPoint;

    /// <summary>Ends if following the source ends, which it does only by a fault of ours.</summary>
    internal Task Following => _following;

    /// <summary>Starts everything.</summary>
    /// <param name="source">Where the mesh is described; the folder that the options name if it is null.</param>
    /// <exception cref="AuthorityException">Keys cannot be used.</exception>
    /// <exception cref="IOException">A folder cannot be read or written, or an address is in use.</exception>
    internal static async Task<ControllerHost> StartAsync(ControllerOptions options, TimeProvider time, ILoggerFactory loggers, IMeshSource? source = null)
    {
        var logger = loggers.CreateLogger("controller");
        var state = new StateFolder(options.State);
        var file = new EnrolmentFile(state);
        var record = file.TryRead(out var recordFault);
        if (recordFault is not null)
            logger.RecordUnreadable(recordFault);
        // Before the keys are made: a state folder without keys has no past that anyone could be captured by.
        var hasPast = state.TryRead("ca-cert.pem") is not null || options.CaCertificate is not null;

        var keys = StateKeys.Open(state, options, time);
        var history = new ViewHistory();
        var ledger = new EnrolmentLedger(time.GetUtcNow());
        ledger.Restore(record?.Pods ?? []);
        var exclusions = new ExclusionLedger(time.GetUtcNow());
        exclusions.Restore(record?.Exclusions ?? ImmutableDictionary<string, (ImmutableArray<uint>, ImmutableArray<uint>)>.Empty);
        var announcer = new Announcer(history, ledger, exclusions, file, new OrderDesk(keys.Orders, options.OrderValidity),
            new NodeRoster(record?.Nodes ?? []), hasRecord: record is not null || !hasPast, time, logger);

        var host = new ControllerHost(options, announcer, logger);
        try
        {
            source ??= new FolderSource(options.Source, new LastGoodFiles(state, logger), time, logger);
            host._following = Task.Run(() => source.RunAsync(host.Take, host._stop.Token));
            await Task.WhenAny(host._firstSnapshot.Task, host._following).Unwrap();

            var service = new NodeStreamService(announcer, new ViewSource(history), keys.Tokens, keys.Authority,
                new CertificateDesk(keys.Authority, announcer.FaultOf, time), host._metrics, time, logger);
            host._streams = await StreamServer.StartAsync(options.Listen, service, announcer,
                new ServerCertificate(keys.Authority, time, logger), new AddressShares(host._metrics, logger, time), loggers);
            if (options.Admin is { } admin)
                host._admin = await AdminServer.StartAsync(admin, announcer, host.Warnings, host._metrics, time, loggers);
            var watch = new AuthorityWatch(keys, () => announcer.OfferBundle(NodeStreamService.BundleOf(keys.Authority)), time, logger);
            host._watching = Task.Run(() => watch.RunAsync(host._stop.Token));
            logger.Started(host.EndPoint.ToString(), options.TrustDomain, options.State);
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
        await _following.ContinueWith(_ => { }, TaskScheduler.Default);
        await _watching;
        _announcer.Dispose();
        _stop.Dispose();
    }

    private WarningsPage Warnings() => new([.. _faults.Values.Select(f => f.ToString()).Order(StringComparer.Ordinal)], _warnings, _unknownKinds);

    // Reading all of a large source leaves behind as much as it keeps, and nothing would ask for that memory again for a long time.
    private static void GiveBack()
    {
        const long Large = 64 << 20;
        if (GC.GetTotalMemory(forceFullCollection: false) > Large)
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private void Take(SourceChange change)
    {
        foreach (var fault in change.Faults.Where(f => !_faults.TryGetValue(f.Place.Origin, out var known) || known != f))
            _logger.SourceBroken(fault.ToString());
        foreach (var mended in _faults.Keys.Except(change.Faults.Select(f => f.Place.Origin)))
            _logger.SourceMended(mended);
        _faults = change.Faults.ToImmutableDictionary(f => f.Place.Origin);
        _metrics.SourceFaults(_faults.Count);
        if (change.UnknownKinds.Except(_unknownKinds).ToList() is { Count: > 0 } unknown)
            _logger.KindsIgnored(string.Join(", ", unknown));
        _unknownKinds = change.UnknownKinds;

        MeshModel model;
        try
        {
            model = _models.Apply(change);
        }
        catch (Exception bug) when (_announcer.IsReady)
        {
            // Objects that we cannot make sense of must not end the process: nodes would keep what they have and renew nothing.
            _logger.ModelBug(bug);
            return;
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
        if (!_firstSnapshot.Task.IsCompleted)
            GiveBack();
        _firstSnapshot.TrySetResult();
    }
}
