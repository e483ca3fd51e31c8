using System.Collections.Immutable;
using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Controller.Streams;

/// <summary>Works out what each connected node is to capture, and signs what changed. Owned by whoever holds its lock.</summary>
internal sealed class OrderRound(OrderDesk desk, EnrolmentLedger ledger, ExclusionLedger exclusions, NodeRoster roster, ILogger logger)
{
    private readonly Dictionary<string, Draft> _drafts = [];
    private MeshModel? _model;
    private ILookup<string, string> _leftAlone = Enumerable.Empty<string>().ToLookup(p => p);

    /// <summary>When the first order falls due without a change; null if there is none.</summary>
    internal DateTimeOffset? NextRenewal => desk.NextRenewal;

    /// <summary>A node's stream began or ended: its next order is signed anew.</summary>
    internal void Forget(string node)
    {
        desk.Forget(node);
        _drafts.Remove(node);
    }

    /// <summary>Signs the orders that are due. Their versions are remembered in the roster.</summary>
    internal List<(NodeSession Session, SignedOrder Order)> Sign(MeshModel model, DateTimeOffset now)
    {
        var signed = new List<(NodeSession, SignedOrder)>();
        if (!ReferenceEquals(_model, model))
        {
            _leftAlone = model.Pods.Values.Where(p => p.IsLeftAlone && !ledger.Pods.ContainsKey(p.Uid)).ToLookup(p => p.Node, p => p.Uid);
            _model = model;
        }
        // An order for no boot is refused anyway.
        var inputs = roster.Sessions.Where(s => s.BootId.Length > 0)
            .ToDictionary(s => s.Node, s => new Inputs(s.BootId, model.Settings.DrainSeconds, model.EnrolledNamespaces, [.. _leftAlone[s.Node].Order(StringComparer.Ordinal)], []));
        foreach (var enrolment in ledger.Pods.Values.Where(p => p.IsOrdered))
        {
            if (inputs.TryGetValue(enrolment.Node, out var own) && model.Pods.TryGetValue(enrolment.Uid, out var pod) && pod.Node == enrolment.Node)
                own.Pods.Add((pod, exclusions.OrderedOf(pod)));
        }
        foreach (var session in roster.Sessions)
        {
            if (!inputs.TryGetValue(session.Node, out var own))
                continue;
            if (!_drafts.TryGetValue(session.Node, out var draft) || !draft.Inputs.AreThoseOf(own))
                _drafts[session.Node] = draft = new Draft(own, ContentOf(session.Node, own));
            var record = roster.RecordOf(session.Node);
            if (desk.SignIfDue(draft.Content, record.OrderVersion, now) is not var (order, version))
                continue;
            roster.Remember(record with { OrderVersion = version });
            signed.Add((session, order));
            logger.OrderSigned(session.Node, version, own.Pods.Count);
        }
        return signed;
    }

    private static CaptureOrder ContentOf(string node, Inputs inputs) => new()
    {
        Node = node,
        BootId = inputs.BootId,
        DrainSeconds = (uint)inputs.DrainSeconds,
        Pods = { inputs.Pods.OrderBy(p => p.Pod.Uid, StringComparer.Ordinal).Select(p => p.Pod.ToCapturedPod(p.ExcludedPorts)) },
        EnrolledNamespaces = { inputs.Namespaces },
        LeftAlone = { inputs.LeftAlone },
    };

    private sealed record Draft(Inputs Inputs, CaptureOrder Content);

    // What an order is made of. Pods and lists that did not change are the objects that they were.
    private sealed record Inputs(string BootId, int DrainSeconds, ImmutableArray<string> Namespaces, ImmutableArray<string> LeftAlone,
        List<(MeshPod Pod, ImmutableArray<uint> ExcludedPorts)> Pods)
    {
        internal bool AreThoseOf(Inputs other) =>
            (BootId, DrainSeconds, Namespaces) == (other.BootId, other.DrainSeconds, other.Namespaces)
            && LeftAlone.AsSpan().SequenceEqual(other.LeftAlone.AsSpan())
            && Pods.Count == other.Pods.Count
            && Pods.Zip(other.Pods).All(p => ReferenceEquals(p.First.Pod, p.Second.Pod) && p.First.ExcludedPorts == p.Second.ExcludedPorts);
    }
}
