using Ambient.Controller.Admin;
using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Sources;
using Ambient.Controller.Streams;
using Ambient.Protocol.Orders;
using k8s;

namespace Ambient.Controller.Replicas;

/// <summary>
/// What a controller has where its store is Kubernetes, put together: keys in Secrets, nodes judged by TokenReview, what replicas know of one
/// another, and the one that writes. Opened before the source is read; joined with the announcer once there is one.
/// </summary>
internal sealed class ClusterParts : IControllerStore
{
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly RemoteNodes _remote;
    private readonly TrustPublisher _trust;
    private readonly LeaseElector _lease;
    private readonly MeshNodeFollower _follower;
    private readonly Func<IKubernetes> _client;
    private readonly List<Task> _running = [];
    private readonly HashSet<string> _asking = [];
    private Announcer? _announcer;
    private NodeJournal? _journal;
    private MeshModel? _model;
    private string _lastFault = "";

    private ClusterParts(Func<IKubernetes> client, ClusterOptions options, ClusterKeys keys, string replica, TimeProvider time, ILogger logger)
    {
        _client = client;
        _time = time;
        _logger = logger;
        Replica = replica;
        Place = $"Secrets and MeshNodes of the cluster, namespace {options.Namespace}";
        Keys = keys;
        _remote = new RemoteNodes(replica, record => _announcer?.TakeRecord(record) != false, (node, report) => _announcer?.TakeReport(node, report) != false);
        _lease = new LeaseElector(new KubernetesLease(client, options.Namespace, "ambient-controller"), replica, time, logger);
        _trust = new TrustPublisher(client, options.Namespace, () => keys.Authority.TrustBundlePem, keys.OrderKeyPem, _lease, time, logger);
        _follower = new MeshNodeFollower(client, SeenNode, _remote.Remove, time, logger);
        Nodes = new TokenReviewDesk(client, options.Namespace, PlaceOf, time, logger);
        Vigil = new PodVigil(client, PlaceOf, time, logger);
    }

    /// <summary>This process among the replicas.</summary>
    internal string Replica { get; }

    internal ClusterKeys Keys { get; }

    /// <summary>Says which node a token speaks for.</summary>
    public INodeAuthenticator Nodes { get; }

    /// <summary>Ends streams whose token's pod is gone.</summary>
    public PodVigil Vigil { get; }

    /// <summary>Whether this replica writes what only one may write.</summary>
    public ILeadership Leadership => _lease;

    public IEnumerable<ForeignTrustMap> ForeignTrust => _trust.Foreign;

    /// <summary>What other replicas wrote of their nodes.</summary>
    public RemoteNodes Remote => _remote;

    /// <summary>Where streams are written down; there once it was joined with an announcer.</summary>
    public NodeJournal Journal => _journal!;

    /// <summary>What the replicas before this one wrote down; null if nothing is known, not even that there was nothing.</summary>
    public EnrolmentFile.Record? Record { get; private set; }

    public bool KnowsPast => Record is not null || Keys.WereMade;

    public EnrolmentFile? File => null;

    public string Place { get; }

    public ReplicaPage? Self => new(Replica, _lease.IsLeader);

    public IAuthorityPlace Authority => Keys;

    public OrderSigner Orders => Keys.Orders;

    /// <summary>Opens the keys and reads what others wrote of the nodes. Waits for the API while it is away.</summary>
    /// <exception cref="AuthorityException">A key cannot be used.</exception>
    /// <exception cref="ClusterException">The API refuses.</exception>
    internal static async Task<ClusterParts> OpenAsync(Func<IKubernetes> client, ClusterOptions options, TimeSpan leafLifetime, TimeProvider time, ILogger logger,
        CancellationToken cancellation)
    {
        var keys = await ClusterKeys.OpenAsync(client, options.Namespace, leafLifetime, time, logger, cancellation);
        // Never the same twice: a container that starts again in the same pod must not take its predecessor's Lease for its own.
        var replica = $"{Environment.MachineName}_{Guid.NewGuid().ToString("N")[..6]}";
        var parts = new ClusterParts(client, options, keys, replica, time, logger);
        if (await parts._follower.ReadAsync(cancellation) is { Count: > 0 } nodes)
            parts.Record = RememberedNodes.RecordOf(nodes);
        return parts;
    }

    /// <summary>The roster of an announcer that knows of other replicas.</summary>
    public NodeRoster RosterOf(IEnumerable<NodeRecord> remembered) => new(remembered)
    {
        IsConnectedElsewhere = _remote.IsConnected,
        AreOthersServing = () => _remote.AreOthersServing,
        Remembered = name => _journal?.Touch(name),
    };

    public Task? Running { get; private set; }

    /// <summary>Begins to follow the others, to be followed, and to try for the Lease. Before any stream is accepted.</summary>
    public void Join(Announcer announcer, string epoch)
    {
        _announcer = announcer;
        _journal = new NodeJournal(new KubernetesMeshNodes(_client), new JournalContext(Replica, epoch, _time)
        {
            PlaceOf = PlaceOf,
            RecordOf = announcer.RecordOf,
            Deliver = announcer.Report,
            Found = (name, status) => SeenNode(name, status),
            Left = _remote.StreamEnded,
            Moved = _logger.NodeMoved,
            Failed = NoteFault,
            Bug = _logger.JournalBug,
        });
        _running.Add(Task.Run(() => _follower.RunAsync(_stop.Token)));
        _running.Add(Task.Run(() => _lease.RunAsync(_stop.Token)));
        _running.Add(Task.Run(() => _trust.RunAsync(_stop.Token)));
        _running.Add(Task.Run(() => Vigil.RunAsync(_stop.Token)));
        Running = Task.WhenAny(_running).Unwrap();
    }

    /// <summary>Takes which namespaces ask for the roots.</summary>
    public void Take(SourceChange change)
    {
        _asking.ExceptWith(change.Removed.OfType<NamespaceObject>().Where(Asks).Select(n => n.Name));
        _asking.UnionWith(change.Added.OfType<NamespaceObject>().Where(Asks).Select(n => n.Name));
        _trust.AskedBy(_asking);

        static bool Asks(NamespaceObject n) => n.Labels.TryGetValue(TrustPublisher.Label, out var asks) && asks == "true";
    }

    /// <summary>The announcer has taken this model.</summary>
    public void Published(MeshModel model)
    {
        Volatile.Write(ref _model, model);
        _journal?.ModelChanged();
        _remote.ModelChanged();
    }

    /// <summary>The roots have changed.</summary>
    public void RootsChanged() => _trust.Nudge();

    /// <summary>Stops; the Lease is given back. After the streams have ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_journal is not null)
            await _journal.StopAsync();
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _stop.Dispose();
    }

    // Without a lock: it is asked under others'.
    private string? PlaceOf(string uid) =>
        Volatile.Read(ref _model)?.Pods.TryGetValue(uid, out var pod) == true && pod.Node.Length > 0 ? pod.Node : null;

    private void SeenNode(string name, MeshNodeStatus status)
    {
        if (status.Replica != Replica)
            _journal?.SeenElsewhere(name, status);
        _remote.Take(name, status);
    }

    private void NoteFault(ClusterException e)
    {
        if (Interlocked.Exchange(ref _lastFault, e.Message) != e.Message)
            _logger.JournalNotWritten(e.Message);
    }
}
