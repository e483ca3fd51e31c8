using Ambient.NodeProxy.Discovery;
using Ambient.NodeProxy.Policy;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Sessions;

/// <summary>
/// Decides by the view in force who may reach a pod, and decides again about everybody whom it let in when the view changes what the
/// decision rests on: a policy, which policies select the pod, its modes, or which addresses are nodes'. Owned by one loop.
/// </summary>
internal sealed class Guard(MeshViewHolder views, Refusals refusals)
{
    private readonly PolicyBook _book = new();
    private readonly Dictionary<string, GuardedPod> _pods = [];
    private ViewPolicies _version = new(MeshView.Empty);
    private (object? View, object? Machine) _nodes;

    /// <summary>Decides about a connection, by what the view in force says of its destination. Allocates nothing while the view stays.</summary>
    public Decision Decide(in ConnectionFacts facts) => Decide(facts, Current());

    /// <summary>A connection that was let in is carried from now on.</summary>
    public void Watch(Session session, in ConnectionFacts admitted)
    {
        if (!_pods.TryGetValue(admitted.Destination.Uid, out var pod)) _pods[admitted.Destination.Uid] = pod = new GuardedPod(admitted.Destination.Uid);
        pod.Add(session);
    }

    /// <summary>It has ended.</summary>
    public void Forget(Session session, in ConnectionFacts admitted)
    {
        if (!_pods.TryGetValue(admitted.Destination.Uid, out var pod)) return;
        pod.Remove(session);
        if (pod.Sessions.Count == 0) _pods.Remove(pod.Uid);
    }

    /// <summary>A new view was published. Costs a lookup a pod where nothing changed that concerns it.</summary>
    public void OnView()
    {
        var version = Current();
        (object, object) nodes = (version.View.NodeByName, views.Machine);
        bool nodesChanged = nodes != _nodes;   // whether they are other objects, not what is in them
        _nodes = nodes;
        List<(Session Session, Decision Decision)>? denied = null;
        foreach (var pod in _pods.Values)
        {
            // A pod that is gone, or out of the mesh, is ended or drained by its capture: that is no matter of policy.
            if (!version.View.TryFindWorkloadByUid(pod.Uid, out var now) || now.Enrolment == Enrolment.None) continue;
            if (!pod.Changes(now, _book.Of(now, version)) && !nodesChanged) continue;
            foreach (var session in pod.Sessions)
            {
                var decision = Decide(session.Facts.Admitted!.Value, version);
                if (!decision.Allowed) (denied ??= []).Add((session, decision));
            }
        }

        // Only now: what ends leaves the lists that were walked.
        foreach (var (session, decision) in denied ?? []) Revoke(session, decision);
    }

    private ViewPolicies Current()
    {
        var view = views.Current;
        return ReferenceEquals(_version.View, view) ? _version : _version = new ViewPolicies(view);
    }

    private Decision Decide(in ConnectionFacts facts, ViewPolicies version)
    {
        var destination = version.View.TryFindWorkloadByUid(facts.Destination.Uid, out var now) ? now : facts.Destination;
        bool fromNode = facts.ProvenPeer is null && views.IsNodes(version.View, facts.PeerAddress);
        return ConnectionPolicy.Decide(facts with { Destination = destination, FromNode = fromNode }, _book.Of(destination, version));
    }

    private void Revoke(Session session, in Decision decision)
    {
        var (admitted, client, target) = (session.Facts.Admitted!.Value, session.Facts.Client, session.Facts.Target);
        refusals.Add(session.Facts.Edge.Reporter, RefusalReason.Revoked,
            $"{admitted.Destination.Namespace}/{admitted.Destination.Name}", client, target, $"{decision.Rule}; it had been allowed before");
        session.Cut(decision.Rule);
    }

    /// <summary>The connections to one pod, and what they were last judged by.</summary>
    private sealed class GuardedPod(string uid)
    {
        // Unknown at first: whoever was let in between a view's publication and its arrival here is judged once more.
        private Workload? _judged;
        private PolicySet? _judgedBy;

        public string Uid => uid;

        public List<Session> Sessions { get; } = [];

        public void Add(Session session)
        {
            session.GuardIndex = Sessions.Count;
            Sessions.Add(session);
        }

        public void Remove(Session session)
        {
            var last = Sessions[^1];
            Sessions[session.GuardIndex] = last;
            last.GuardIndex = session.GuardIndex;
            Sessions.RemoveAt(Sessions.Count - 1);
        }

        /// <summary>Takes over what holds now.</summary>
        /// <returns>It may lead to other decisions than what held before.</returns>
        public bool Changes(Workload now, PolicySet policies)
        {
            bool same = ReferenceEquals(policies, _judgedBy) && _judged is not null
                && (ReferenceEquals(now, _judged)
                    || (now.Mode == _judged.Mode && now.Enrolment == _judged.Enrolment && now.PortModes.AsSpan().SequenceEqual(_judged.PortModes.AsSpan())
                        && now.ExcludedInboundPorts.AsSpan().SequenceEqual(_judged.ExcludedInboundPorts.AsSpan())));
            (_judged, _judgedBy) = (now, policies);
            return !same;
        }
    }
}
