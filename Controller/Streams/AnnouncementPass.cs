using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Google.Protobuf;

namespace Ambient.Controller.Streams;

/// <summary>
/// Works out what follows from all that happened since the last pass, and tells the nodes: 1. move on what fell due; 2. sign the orders
/// that changed; 3. write down what a successor must know; and only then 4. publish the view and 5. hand over the orders.
/// Owned by whoever holds its lock.
/// </summary>
internal sealed class AnnouncementPass(ViewHistory history, EnrolmentLedger ledger, ExclusionLedger exclusions, EnrolmentFile? file, OrderRound orders,
    NodeRoster roster, ILogger logger)
{
    private readonly ViewComposer _composer =
        new(ledger.StateOf, pod => exclusions.AnnouncedOf(pod), node => roster.RecordOf(node).Capabilities, logger.ResourceTooLarge);

    private MeshModel? _announced;
    private bool _modelChanged;
    private bool _hasFreshNode;
    private bool _nodesDirty;

    /// <summary>Whether an ack may be what something waits for. Every node acks every version: what only a pass changes is looked up once a pass.</summary>
    internal bool IsWaitingForAcks { get; private set; }

    /// <summary>Whether there is something that the nodes have not been told.</summary>
    internal bool HasChanges => _modelChanged || ledger.Records.HasChanges;

    /// <summary>When something falls due without anybody's word; null for never.</summary>
    internal DateTimeOffset? NextDeadline => Earlier(Earlier(ledger.NextDeadline, exclusions.NextDeadline), orders.NextRenewal);

    internal void ModelChanged() => _modelChanged = true;

    internal void NodeCame(string node)
    {
        orders.Forget(node);
        _hasFreshNode = true;
        _nodesDirty = true;
    }

    internal void NodeLeft(string node) => orders.Forget(node);

    /// <param name="mayHaveView">Whether a session may be told of the view at all.</param>
    internal void Run(MeshModel model, DateTimeOffset now, Func<NodeSession, bool> mayHaveView)
    {
        ledger.Advance(now, TimeSpan.FromSeconds(model.Settings.DrainSeconds), roster.HaveAllAcked, roster.IsConnected);
        var hasOrders = exclusions.Advance(now, roster.HaveAllAcked);
        var changed = ledger.Records.TakeChanged().Union(exclusions.Records.TakeChanged()).ToList();

        var signed = hasOrders || _modelChanged || changed.Count > 0 || _hasFreshNode || orders.NextRenewal <= now ? orders.Sign(model, now) : [];
        _hasFreshNode = false;
        if (ledger.Records.TakeDirty() | exclusions.Records.TakeDirty() | _nodesDirty | signed.Count > 0)
            WriteDown();

        var before = history.Version;
        IEnumerable<KeyValuePair<string, ByteString?>> updates = _composer.Pods(model, changed);
        if (_modelChanged)
            updates = _composer.Change(_announced, model).Concat(updates);
        var version = history.Apply(updates);
        (_announced, _modelChanged) = (model, false);
        ledger.Records.MarkAnnounced(version);
        exclusions.Records.MarkAnnounced(version);
        IsWaitingForAcks = ledger.IsWaitingForAcks || exclusions.IsWaitingForAcks;
        if (version != before)
            logger.ViewPublished(version, history.Count);

        foreach (var session in roster.Sessions.Concat(roster.Leaving).Where(mayHaveView))
            session.OfferView();
        foreach (var (session, order) in signed)
            session.OfferOrder(order);
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
