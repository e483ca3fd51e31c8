using System.Collections.Frozen;
using Ambient.Native.Descriptors;
using Ambient.Native.Unix;
using Ambient.NodeProxy.Balancing;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Inbound;
using Ambient.NodeProxy.Outbound;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Model;
using Microsoft.Extensions.Logging;

namespace Ambient.NodeProxy;

/// <summary>The data path of the process: loops, their rooms, capture. Plain constructors; nothing looks anything up.</summary>
internal sealed class NodeProcess : IDisposable
{
    private readonly NodeOptions _options;
    private readonly ILogger _logger;
    private readonly EventLoop _control;
    private readonly LoopGroup _loops;
    private readonly LoopDataPath[] _paths;
    private readonly CapacityWatch _watch;
    private Descriptor? _inherited;

    public NodeProcess(NodeOptions options, MeshViewHolder views, IdentityStore identities, ReportOutbox reports, DataPathMetrics metrics,
        Action<byte[]> restore, NodeMetrics nodeMetrics, TimeProvider time, ILogger logger)
    {
        _options = options;
        _logger = logger;
        _control = new EventLoop(options.Loops, time, logger);
        _loops = new LoopGroup(options.Loops, time, logger);
        if (options.RedirectorFd is { } fd) _inherited = Descriptor.Adopt(fd);

        Capacity = new NodeCapacity(options.Loops);
        _watch = new CapacityWatch(_control, Capacity, logger);
        var loads = new EndpointLoads(options.Loops);
        var pods = Enumerable.Range(0, options.Loops).Select(_ => new LoopPods()).ToArray();
        _paths = [.. Enumerable.Range(0, options.Loops).Select(i => NewPath(i, pods[i]))];
        Capture = new CaptureCoordinator(
            new CaptureSettings
            {
                Control = _control,
                Connect = ConnectRedirector,
                MissingFor = uid => Missing(uid, views.Current, identities),
                Drain = () => views.Current.Settings.Drain,
                Reports = reports,
                Counters = nodeMetrics.SetRedirectorCounters,
                Machine = told =>
                {
                    views.Machine = CaptureAddresses.Of(told).Select(address => new AddressKey(address)).ToFrozenSet();
                    foreach (var path in _paths) path.Loop.Post(path.OnView); // who was let in before may be judged otherwise now
                },
                NonTcp = new NonTcpIntake(views, nodeMetrics.NonTcp).Take,
                Restore = restore,
                Capacity = Capacity,
            },
            new CaptureTargets(_loops, pods, _paths), logger);
        views.Published += _ =>
        {
            Capture.Review();
            foreach (var path in _paths)
            {
                path.Loop.Post(path.OnView);
                path.CertificatesChanged(); // a pod may be somebody else now
            }
        };
        identities.Changed += _ =>
        {
            Capture.Review();
            foreach (var path in _paths) path.CertificatesChanged();
        };

        LoopDataPath NewPath(int index, LoopPods loopPods)
        {
            var loop = _loops[index];
            var links = new LinkContext(new LinkOptions(), metrics.ForLoop(index), time, logger);
            var refusals = new Refusals(loop, links.Metrics, logger);
            var sessions = new SessionBook(loop, new Guard(views, refusals));
            var credentials = new CredentialCache(identities);
            var outbound = new OutboundLoop(new OutboundContext
            {
                Loop = loop, Node = options.Node, Views = views, Pods = loopPods, Credentials = credentials, Links = links,
                Sessions = sessions, Refusals = refusals,
                Chooser = new EndpointChooser(loads, index, (ulong)Random.Shared.NextInt64()),
            });
            var inbound = new InboundLoop(new InboundContext
            {
                Loop = loop, Views = views, Credentials = credentials, Links = links, Sessions = sessions, Refusals = refusals,
            });
            return new LoopDataPath(loop, loopPods, credentials, outbound, inbound, sessions, logger);
        }
    }

    public CaptureCoordinator Capture { get; }

    /// <summary>What connections take of this process.</summary>
    public NodeCapacity Capacity { get; }

    /// <summary>Connections carried now.</summary>
    public int OpenConnections => _paths.Sum(path => path.Sessions.Count);

    /// <summary>Bugs that loops have met.</summary>
    public long Bugs => _paths.Sum(path => path.Loop.Bugs) + _control.Bugs;

    public void Start()
    {
        _loops.Start();
        _control.Start();
        _watch.Start();
        _ = HeaderRehearsal.Run();
        Capture.Start();
        NodeLog.Serving(_logger, _options.Node, _options.Loops);
    }

    /// <summary>How every connection stands, at most <paramref name="limit"/> a loop.</summary>
    public async Task<IReadOnlyList<SessionStanding>> ListSessionsAsync(int limit)
    {
        var lists = await Task.WhenAll(_paths.Select(path =>
        {
            var done = new TaskCompletionSource<IReadOnlyList<SessionStanding>>(TaskCreationOptions.RunContinuationsAsynchronously);
            path.Loop.Post(() => done.SetResult(path.Sessions.List(limit)));
            return done.Task;
        }));
        return [.. lists.SelectMany(list => list)];
    }

    /// <summary>No new connections; those open go on until they end or the time is over.</summary>
    public async Task DrainAsync(TimeProvider time)
    {
        var limit = TimeSpan.FromSeconds(_options.DrainSeconds);
        NodeLog.Leaving(_logger, OpenConnections, limit.TotalSeconds);
        NodeLog.Gone(_logger, await new Departure(Capture, _paths, time).DrainAsync(limit));
        await Task.WhenAll(_loops.StopAsync(), _control.StopAsync());
    }

    public void Dispose()
    {
        _loops.Dispose();
        _control.Dispose();
        _inherited?.Dispose();
    }

    private SeqPacketSocket? ConnectRedirector()
    {
        if (_options.RedirectorFd is not null)
        {
            // One inherited pair serves for good: a lost one cannot be opened again from here.
            var inherited = _inherited;
            _inherited = null;
            return inherited is null ? null : SeqPacketSocket.Adopt(inherited);
        }

        try
        {
            return SeqPacketSocket.Connect(_options.Redirector!);
        }
        catch (SystemCallException) // away, not yet ours to open, or we are out of descriptors: the next try may find it gone
        {
            return null;
        }
    }

    private static string? Missing(string uid, MeshView view, IdentityStore identities)
    {
        if (!view.TryFindWorkloadByUid(uid, out var workload)) return "the controller has not named this pod yet";
        if (workload.Enrolment == Enrolment.None) return "the pod is not to be enrolled";
        var id = workload.IdentityIn(view.Settings.TrustDomain);
        return identities.Find(id) is null ? $"no certificate for {id} yet" : null;
    }
}
