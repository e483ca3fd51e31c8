using System.Collections.Immutable;
using Ambient.Controller.Enrolment;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Replicas;

/// <summary>
/// What a controller that starts must know so as not to disturb captured pods, out of the MeshNodes that others (or its predecessor) wrote:
/// what STATE/enrolment.json is to a standalone one. See docs/decisions/0005-controller-restart.md and 0016-replicas.md.
/// </summary>
internal static class RememberedNodes
{
    internal static EnrolmentFile.Record RecordOf(IReadOnlyDictionary<string, MeshNodeStatus> nodes)
    {
        var said = nodes.SelectMany(n => n.Value.Pods.Select(p => (Node: n.Key, Pod: p, Report: PodReports.ToReport(p))))
            .Where(p => p.Report is not null).DistinctBy(p => p.Pod.Uid).ToList();
        return new EnrolmentFile.Record(
            [.. said.Select(p => EnrolmentOf(p.Node, p.Pod, p.Report!)).OfType<PodEnrolment>()],
            // What the rules have now: what the annotations want differently is announced first, and ordered then.
            said.Where(p => p.Report!.Phase is PodPhase.Captured or PodPhase.Unproved).ToImmutableDictionary(p => p.Pod.Uid, p => (PortsOf(p.Report!), PortsOf(p.Report!))),
            [.. nodes.Select(n => RemoteNodes.RecordOf(n.Key, n.Value)).OfType<NodeRecord>()]);
    }

    private static PodEnrolment? EnrolmentOf(string node, MeshNodePod pod, PodReport report)
    {
        return report.Phase switch
        {
            PodPhase.Captured => In(EnrolmentState.Enrolled, isOrdered: true),
            PodPhase.Unspecified or PodPhase.Preparing or PodPhase.Failed or PodPhase.Unproved => In(pod.Enrolled ? EnrolmentState.Enrolled : EnrolmentState.Enrolling, isOrdered: true),
            PodPhase.Quiet => In(EnrolmentState.Withdrawing, isOrdered: false),
            PodPhase.Released or PodPhase.Gone => null,
        };

        PodEnrolment In(EnrolmentState state, bool isOrdered) =>
            new(report.Uid, node, state, isOrdered, report.Phase, report.Reason, report.ConnectionsFromBefore, 0, null);
    }

    private static ImmutableArray<uint> PortsOf(PodReport report) => [.. report.ExcludedInboundPorts.Order()];
}
