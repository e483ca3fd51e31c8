using Ambient.Controller.Authority;
using Ambient.Controller.Enrolment;
using Ambient.Controller.Model;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Redirector.V1;

namespace Ambient.Controller.Streams;

/// <summary>Works out what each connected node is to capture, and signs what changed. Owned by whoever holds its lock.</summary>
internal sealed class OrderRound(OrderDesk desk, EnrolmentLedger ledger, ExclusionLedger exclusions, NodeRoster roster, ILogger logger)
{
    /// <summary>When the first order falls due without a change; null if there is none.</summary>
    internal DateTimeOffset? NextRenewal => desk.NextRenewal;

    /// <summary>A node's stream began or ended: its next order is signed anew.</summary>
    internal void Forget(string node) => desk.Forget(node);

    /// <summary>Signs the orders that are due. Their versions are remembered in the roster.</summary>
    internal List<(NodeSession Session, SignedOrder Order)> Sign(MeshModel model, DateTimeOffset now)
    {
        var signed = new List<(NodeSession, SignedOrder)>();
        var pods = ledger.Pods.Values.Where(p => p.IsOrdered).OrderBy(p => p.Uid, StringComparer.Ordinal)
            .Select(p => model.Pods.GetValueOrDefault(p.Uid)).OfType<MeshPod>().ToLookup(p => p.Node);
        foreach (var session in roster.Sessions.Where(s => s.BootId.Length > 0)) // an order for no boot is refused anyway
        {
            var own = pods[session.Node].ToList();
            var record = roster.RecordOf(session.Node);
            if (desk.SignIfDue(ContentOf(model, session, own), record.OrderVersion, now) is not var (order, version))
                continue;
            roster.Remember(record with { OrderVersion = version });
            signed.Add((session, order));
            logger.OrderSigned(session.Node, version, own.Count);
        }
        return signed;
    }

    private CaptureOrder ContentOf(MeshModel model, NodeSession session, List<MeshPod> pods) => new()
    {
        Node = session.Node,
        BootId = session.BootId,
        DrainSeconds = (uint)model.Settings.DrainSeconds,
        Pods = { pods.Select(p => p.ToCapturedPod(exclusions.OrderedOf(p))) },
        // A pod on its way out may be the last of its namespace.
        EnrolledNamespaces = { model.EnrolledNamespaces.Concat(pods.Select(p => p.Namespace)).Distinct().Order(StringComparer.Ordinal) },
    };
}
