using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;

namespace Ambient.Controller.Streams;

/// <summary>
/// Works out what follows from all that happened since the last pass, and tells the nodes: 1. move on what fell due; 2. sign the orders
/// that changed; 3. write down what a successor must know; and only then 4. publish the view, each node being told of what its pods reach
/// by then, and 5. hand over the orders. Costs what happened, not what there is. Owned by whoever holds its lock.
/// </summary>
internal sealed class AnnouncementPass(ViewHistory history, EnrolmentLedger ledger, ExclusionLedger exclusions, EnrolmentFile? file, OrderRound orders,
    NodePods pods, NodeScopes scopes, NodeRoster roster, ILogger logger)
{
    private readonly ViewComposer _composer =
        new(ledger.StateOf, pod => exclusions.AnnouncedOf(pod), node => roster.RecordOf(node).Capabilities, logger.ResourceTooLarge);

    private Dictionary<ToldKey, ToldChange> _resources = [];            // of models that came since the last pass
    private HashSet<string> _pods = [];
    private readonly HashSet<string> _nodes = [];                      // whose pods may reach something else
    private bool _areAllNodesAffected;
    private bool _nodesDirty;
    private volatile bool _isWaitingForAcks;

    /// <summary>
    /// Whether an ack may be what something waits for. Every node acks every version: what only a pass changes is looked up once a pass, and
    /// without a lock.
    /// </summary>
    internal bool IsWaitingForAcks => _isWaitingForAcks;

    /// <summary>Whether there is something that the nodes have not been told.</summary>
    internal bool HasChanges => _pods.Count > 0 || _resources.Count > 0 || ledger.Records.HasChanges;

    /// <summary>When something falls due without anybody's word; null for never.</summary>
    internal DateTimeOffset? NextDeadline => Earlier(Earlier(ledger.NextDeadline, exclusions.NextDeadline), orders.NextRenewal);

    /// <summary>There is a new model. What nodes are told of it waits for the pass; several models until then are told as one.</summary>
    internal void ModelChanged(MeshModel model)
    {
        foreach (var change in model.Change.Resources)
            _resources[change.Key] = change;
        _pods.UnionWith(model.Change.Pods);
        _areAllNodesAffected |= scopes.Set(model.Settings.Reach);
        foreach (var node in pods.Update(model))
        {
            _nodes.Add(node);
            orders.Look(node);
        }
    }

    internal void NodeCame(string node)
    {
        orders.Forget(node);
        _nodesDirty = true;
    }

    internal void NodeLeft(string node) => orders.Forget(node);

    /// <param name="mayHaveView">Whether a session may be told of the view at all.</param>
    internal void Run(MeshModel model, DateTimeOffset now, Func<NodeSession, bool> mayHaveView)
    {
        ledger.Advance(now, TimeSpan.FromSeconds(model.Settings.DrainSeconds), roster.HaveAllAcked, roster.IsConnected);
        var enrolments = ledger.Records.TakeChanged();
        exclusions.Reconcile(model.Pods, ledger.Pods, enrolments, now);
        var reordered = exclusions.Advance(now, roster.HaveAllAcked);
        foreach (var node in enrolments.Concat(reordered).Select(pods.NodeOf).OfType<string>())
        {
            _nodes.Add(node);
            orders.Look(node);
        }
        var signed = orders.Sign(model, now);
        if (ledger.Records.TakeDirty() | exclusions.Records.TakeDirty() | _nodesDirty | signed.Count > 0)
            WriteDown();

        // First what nodes are told of, then the view: who hears of a pod of its own then hears in the same message of all that it reaches.
        SetScopes();
        var before = history.Version;
        _pods.UnionWith(enrolments);
        _pods.UnionWith(exclusions.Records.TakeChanged());
        var version = history.Apply(_composer.Resources(_resources.Values).Concat(_composer.Pods(model, _pods)));
        (_resources, _pods) = ([], []);   // not cleared: the first ones were of the whole mesh, and would keep room for it
        ledger.Records.MarkAnnounced(version);
        exclusions.Records.MarkAnnounced(version);
        _isWaitingForAcks = ledger.IsWaitingForAcks || exclusions.IsWaitingForAcks;
        if (version != before)
            logger.ViewPublished(version, history.Count);

        foreach (var session in roster.Sessions.Concat(roster.Leaving).Where(mayHaveView))
            session.OfferView();
        foreach (var (session, order) in signed)
            session.OfferOrder(order);
    }

    private void SetScopes()
    {
        foreach (var session in _areAllNodesAffected ? roster.Sessions.Concat(roster.Leaving)
            : roster.Leaving.Where(session => _nodes.Contains(session.Node)).Concat(_nodes.Select(roster.SessionOf).OfType<NodeSession>()))
        {
            session.SetScope(scopes.Of(session.Node));
        }
        _areAllNodesAffected = false;
        _nodes.Clear();
    }

    private void WriteDown()
    {
        try
        {
            file?.Write(ledger.Pods.Values, exclusions.Pods, roster.Records);
            _nodesDirty = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Going on is right: what is lost is knowledge that only a restart needs. It is tried again with the next change.
            _nodesDirty = true;
            logger.RecordNotWritten(e.Message);
        }
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null ? b : b is null ? a : a < b ? a : b;
}
