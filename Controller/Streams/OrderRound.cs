using System.Collections.Immutable;
using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Controller.Streams;

/// <summary>
/// Works out what each connected node is to capture, and signs what changed. It looks only at nodes that something happened on, and at
/// all of them when what all orders say has changed. Owned by whoever holds its lock.
/// </summary>
internal sealed class OrderRound(OrderDesk desk, EnrolmentLedger ledger, ExclusionLedger exclusions, NodePods pods, NodeRoster roster, ILogger logger)
{
    // Of each of the two lists that labels fill without an address: no kubelet runs so many, but whoever may make pods may name a node in as many
    // as he likes, and an order that is too long is refused as a whole.
    private const int MaxByLabel = 4096;

    private readonly Dictionary<string, Draft> _drafts = [];
    private readonly HashSet<string> _due = [];
    private readonly HashSet<(string Node, string Way)> _cut = [];   // told once a stream
    private int _drainSeconds;
    private ImmutableArray<string> _namespaces = [];

    /// <summary>When the first order falls due without a change; null if there is none.</summary>
    internal DateTimeOffset? NextRenewal => desk.NextRenewal;

    /// <summary>A node's stream began or ended: its next order is signed anew.</summary>
    internal void Forget(string node)
    {
        desk.Forget(node);
        _drafts.Remove(node);
        _cut.RemoveWhere(cut => cut.Node == node);
        _due.Add(node);
    }

    /// <summary>What a node is to capture may be something else now.</summary>
    internal void Look(string node) => _due.Add(node);

    /// <summary>Signs the orders that are due. Their versions are remembered in the roster.</summary>
    internal List<(NodeSession Session, SignedOrder Order)> Sign(MeshModel model, DateTimeOffset now)
    {
        var isForAll = model.Settings.DrainSeconds != _drainSeconds || model.EnrolledNamespaces != _namespaces || NextRenewal <= now;
        (_drainSeconds, _namespaces) = (model.Settings.DrainSeconds, model.EnrolledNamespaces);
        var signed = new List<(NodeSession, SignedOrder)>();
        // An order for no boot is refused anyway.
        foreach (var session in (isForAll ? roster.Sessions : _due.Select(roster.SessionOf).OfType<NodeSession>()).Where(s => s.BootId.Length > 0))
        {
            var own = InputsOf(session, model);
            if (!_drafts.TryGetValue(session.Node, out var draft) || !draft.Inputs.AreThoseOf(own))
                _drafts[session.Node] = draft = new Draft(own, ContentOf(session.Node, own));
            var record = roster.RecordOf(session.Node);
            if (desk.SignIfDue(draft.Content, record.OrderVersion, now) is not var (order, version))
                continue;
            roster.Remember(record with { OrderVersion = version });
            signed.Add((session, order));
            logger.OrderSigned(session.Node, version, own.Pods.Count);
        }
        _due.Clear();
        return signed;
    }

    private Inputs InputsOf(NodeSession session, MeshModel model) => new(session.BootId, model.Settings.DrainSeconds, model.EnrolledNamespaces,
        ByLabel(session.Node, "out of", pod => pod.IsLeftAlone && ledger.Pods.GetValueOrDefault(pod.Uid) is not { IsOrdered: true }),
        ByLabel(session.Node, "into", pod => pod.IsOptedIn),
        [.. pods.On(session.Node).Where(pod => ledger.Pods.GetValueOrDefault(pod.Uid) is { IsOrdered: true } enrolment && enrolment.Node == session.Node)
            .OrderBy(pod => pod.Uid, StringComparer.Ordinal).Select(pod => (pod, exclusions.OrderedOf(pod)))]);

    private ImmutableArray<MeshPod> ByLabel(string node, string way, Func<MeshPod, bool> isListed)
    {
        ImmutableArray<MeshPod> listed = [.. pods.On(node).Where(isListed).OrderBy(pod => pod.Uid, StringComparer.Ordinal)];
        if (listed.Length <= MaxByLabel)
            _cut.Remove((node, way));
        else if (_cut.Add((node, way)))
            logger.OrderCut(node, listed.Length, way, MaxByLabel);
        return listed.Length <= MaxByLabel ? listed : listed[..MaxByLabel];
    }

    private static CaptureOrder ContentOf(string node, Inputs inputs) => new()
    {
        Node = node,
        BootId = inputs.BootId,
        DrainSeconds = (uint)inputs.DrainSeconds,
        Pods = { inputs.Pods.Select(p => p.Pod.ToCapturedPod(p.ExcludedPorts)) },
        EnrolledNamespaces = { inputs.Namespaces },
        LeftAlone = { inputs.LeftAlone.Select(pod => pod.Uid) },
        OptedIn = { inputs.OptedIn.Select(pod => new OptedInPod { Uid = pod.Uid, Namespace = pod.Namespace, Name = pod.Name }) },
    };

    private sealed record Draft(Inputs Inputs, CaptureOrder Content);

    // What an order is made of. Pods and lists that did not change are the objects that they were.
    private sealed record Inputs(string BootId, int DrainSeconds, ImmutableArray<string> Namespaces, ImmutableArray<MeshPod> LeftAlone,
        ImmutableArray<MeshPod> OptedIn, List<(MeshPod Pod, ImmutableArray<uint> ExcludedPorts)> Pods)
    {
        internal bool AreThoseOf(Inputs other) =>
            (BootId, DrainSeconds, Namespaces) == (other.BootId, other.DrainSeconds, other.Namespaces)
            && AreSame(LeftAlone, other.LeftAlone) && AreSame(OptedIn, other.OptedIn)
            && Pods.Count == other.Pods.Count
            && Pods.Zip(other.Pods).All(p => ReferenceEquals(p.First.Pod, p.Second.Pod) && p.First.ExcludedPorts == p.Second.ExcludedPorts);

        private static bool AreSame(ImmutableArray<MeshPod> a, ImmutableArray<MeshPod> b) => a.Length == b.Length && a.Zip(b).All(pair => ReferenceEquals(pair.First, pair.Second));
    }
}
