using System.Collections.Immutable;
using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Controller.Snapshots;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Mesh.V1;
using Grpc.Core;

namespace Ambient.Controller.Streams;

/// <summary>
/// Joins what the sources want with how far each pod is, and tells the nodes. Whatever happens (a model, a report, an ack, a
/// node that comes or goes) is noted at once under one lock; what follows from it is worked out in a pass a moment later,
/// (<see cref="AnnouncementPass"/>), so that a thousand reports make one version and one file.
/// </summary>
internal sealed partial class Announcer : IDisposable
{
    private readonly Lock _lock = new();
    private readonly ViewHistory _history;
    private readonly EnrolmentLedger _ledger;
    private readonly ExclusionLedger _exclusions;
    private readonly NodeRoster _roster;
    private readonly NodePods _pods = new();
    private readonly NodeScopes _scopes;
    private readonly AnnouncementPass _pass;
    private readonly PassSchedule _schedule;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DateTimeOffset _settledAt;
    private MeshModel? _model;
    private bool _isStopping;

    /// <param name="file">Where a successor finds what it must know; null where the nodes' journal has it (Replicas).</param>
    /// <param name="hasRecord">Whether a predecessor's record was found, or none can exist: then states are known from the start.</param>
    internal Announcer(ViewHistory history, EnrolmentLedger ledger, ExclusionLedger exclusions, EnrolmentFile? file, OrderDesk orders, NodeRoster roster,
        bool hasRecord, TimeProvider time, ILogger logger)
    {
        _history = history;
        _ledger = ledger;
        _exclusions = exclusions;
        _roster = roster;
        _scopes = new NodeScopes(_pods, ledger);
        Turns = new PushTurns(time);
        _pass = new AnnouncementPass(history, ledger, exclusions, file, new OrderRound(orders, ledger, exclusions, _pods, roster, logger), _pods, _scopes, roster, logger);
        _schedule = new PassSchedule(time, Turns.Pace, Pass);
        _time = time;
        _logger = logger;
        _settledAt = hasRecord ? DateTimeOffset.MinValue : time.GetUtcNow() + EnrolmentLedger.SettleTime;
    }

    /// <summary>When each node is told of changes.</summary>
    internal PushTurns Turns { get; }

    /// <summary>Whether there is a view to tell.</summary>
    internal bool IsReady => _history.Version > 0;

    /// <summary>Takes over a new model. The first one is published before this returns, so that no stream meets an empty view.</summary>
    internal void Publish(MeshModel model)
    {
        bool isFirst;
        lock (_lock)
        {
            isFirst = _model is null;
            _model = model;
            _pass.ModelChanged(model);
            // What the predecessor of this process wrote down may be about pods that are gone.
            IEnumerable<string> changed = isFirst ? [.. model.Change.Pods.Union(_ledger.Pods.Keys).Union(_exclusions.Pods.Keys)] : model.Change.Pods;
            _ledger.Reconcile(model.Pods, changed, _time.GetUtcNow());
            _exclusions.Reconcile(model.Pods, _ledger.Pods, changed, _time.GetUtcNow());
            _schedule.Soon();
        }
        if (isFirst)
            Pass();
    }

    /// <summary>A node's stream begins. An older one of the same node is ended: its end may not have been noticed yet.</summary>
    internal void Attach(NodeSession session)
    {
        NodeSession? replaced;
        lock (_lock)
        {
            // The end of the stream before may not have been noticed yet.
            foreach (var known in _roster.AllOf(session.Node))
                _scopes.Remember(session.Node, known.MayHold);
            session.Begin(_scopes.HeldBy(session.Node, session.HeldVersion));
            session.SetScope(_scopes.Of(session.Node));
            if (session.IsLeaving)
            {
                FollowLocked(session);
                return;
            }
            (var before, replaced) = _roster.Enter(session);
            NoteDifferencesLocked(session, before);
            _pass.NodeCame(session.Node);
            _schedule.Soon();
            // What is known already need not wait for the pass.
            if (MayHaveViewLocked(session))
                session.OfferView();
            if (_isStopping)
                End(session);
        }
        if (replaced is null)
            return;
        _logger.StreamReplaced(session.Node);
        replaced.End(StatusCode.Aborted, $"a newer stream of node {session.Node} took over");
    }

    internal void Detach(NodeSession session)
    {
        lock (_lock)
        {
            _scopes.Remember(session.Node, session.MayHold);
            if (!_roster.Leave(session))
                return;
            _pass.NodeLeft(session.Node);
            _schedule.Soon();
        }
    }

    /// <summary>A node has all of a version, for which a withdrawal or an exclusion may have waited.</summary>
    internal void AckedOrSkipped()
    {
        if (!_pass.IsWaitingForAcks)
            return;
        lock (_lock)
        {
            if (_pass.IsWaitingForAcks)
                _schedule.At(_time.GetUtcNow());
        }
    }

    /// <summary>Takes a node's report about a pod; one about another node's pod is ignored.</summary>
    internal void Report(string node, PodReport report)
    {
        lock (_lock)
        {
            var before = _ledger.Pods.GetValueOrDefault(report.Uid);
            if (!_ledger.Report(node, report, _time.GetUtcNow()))
            {
                // The last word of a pod that left the mesh comes after it is forgotten, and with every new stream; the first one of a pod
                // that starts comes before the API knows its address, or it at all.
                bool isEarly = report.Phase == PodPhase.Preparing && (_model?.Pods.GetValueOrDefault(report.Uid) is not { } known || known.Node == node);
                if (!isEarly && report.Phase is not (PodPhase.Released or PodPhase.Gone))
                    _logger.ForeignReport(node, report.Uid);
                return;
            }
            _exclusions.Report(report.Uid, report.ExcludedInboundPorts);
            if (before?.Phase != report.Phase || before.Reason != report.Reason)
            {
                var pod = _model?.Pods.GetValueOrDefault(report.Uid);
                _logger.PodReported($"{pod?.Namespace}/{pod?.Name}", report.Uid, node, report.Phase, report.Reason);
            }
            _schedule.Soon();
        }
    }

    /// <summary>Why a node may not have a certificate for an identity; null if it may.</summary>
    internal string? FaultOf(string node, SpiffeId id)
    {
        lock (_lock)
        {
            if (_model is null)
                return "the mesh is not known yet";
            if (id.TrustDomain != _model.Settings.TrustDomain)
                return $"trust domain {id.TrustDomain} is not that of this mesh, {_model.Settings.TrustDomain}";
            var account = $"{id.Namespace}/{id.ServiceAccount}";
            var pods = _pods.On(node).Where(p => !p.HostNetwork && p.Namespace == id.Namespace && p.ServiceAccount == id.ServiceAccount).ToList();
            if (pods.Count == 0)
                return $"no pod of service account {account} is placed on node {node}";
            return pods.Any(p => _ledger.StateOf(p.Uid) != EnrolmentState.None)
                ? null
                : $"no pod of service account {account} on node {node} is enrolled";
        }
    }

    /// <summary>Ends all streams, because the process ends. That they end is no reason to do anything then.</summary>
    internal void EndAll()
    {
        List<NodeSession> sessions;
        lock (_lock)
        {
            _isStopping = true;
            sessions = [.. _roster.Sessions, .. _roster.Leaving];
        }
        sessions.ForEach(End);
    }

    /// <summary>Tells every node of other roots.</summary>
    internal void OfferBundle(TrustBundle bundle)
    {
        lock (_lock)
        {
            foreach (var session in _roster.Sessions.Concat(_roster.Leaving))
                session.OfferBundle(bundle);
        }
    }

    /// <summary>The stream of a node, if there is one.</summary>
    internal NodeSession? SessionOf(string node)
    {
        lock (_lock)
            return _roster.SessionOf(node);
    }

    /// <summary>All that a person may want to see, at one moment.</summary>
    internal Overview Look()
    {
        lock (_lock)
        {
            // Whoever sees a new state and no lag must be able to rely on it that the nodes have been told of that state.
            var version = _history.Version + (_pass.HasChanges ? 1u : 0u);
            return new Overview(_history.Epoch, version, _model, _ledger.Pods.ToImmutableDictionary(),
                [.. _roster.Sessions.Select(s => s.StatusNow())], [.. _roster.Records]);
        }
    }

    public void Dispose()
    {
        _schedule.Dispose();
        Turns.Dispose();
    }

    private static void End(NodeSession session) => session.End(StatusCode.Unavailable, "the controller is stopping");

    private void Pass()
    {
        lock (_lock)
            _schedule.Run(PassLocked);
    }

    private void PassLocked()
    {
        if (_isStopping || _model is null)
            return;
        var now = _time.GetUtcNow();
        _pass.Run(_model, now, MayHaveViewLocked);
        if (_pass.NextDeadline is { } due)
            _schedule.At(due);
        if (_settledAt > now)
            _schedule.At(_settledAt);
    }

    private void FollowLocked(NodeSession session)
    {
        if (!_roster.Follow(session))
            session.End(StatusCode.ResourceExhausted, $"{NodeRoster.MaxLeavingPerNode} processes of node {session.Node} are leaving already");
        else if (_isStopping)
            End(session);
        else if (MayHaveViewLocked(session))
            session.OfferView();
    }

    private void NoteDifferencesLocked(NodeSession session, NodeRecord before)
    {
        if (session.BootId.Length == 0)
            _logger.NodeWithoutBoot(session.Node);
        else if (before.BootId.Length > 0 && before.BootId != session.BootId)
        {
            _logger.NodeRestarted(session.Node);
            _ledger.NodeRestarted(session.Node);
        }
        if (!before.Capabilities.SequenceEqual(session.Capabilities) && _model is not null)
            _ledger.NodeChanged(session.Node, _pods.On(session.Node));
    }

    // A node that serves by a predecessor's view is not told that pods are on their way in which it knows to be in, as long
    // as their nodes may still say so.
    private bool MayHaveViewLocked(NodeSession session) =>
        !session.HoldsForeignView || _time.GetUtcNow() >= _settledAt
        || _ledger.Pods.Values.All(p => p.State != EnrolmentState.Enrolling || p.Phase != PodPhase.Unspecified);
}
