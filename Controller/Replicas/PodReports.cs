using Ambient.Protocol.Discovery.V1;

namespace Ambient.Controller.Replicas;

/// <summary>Reports of nodes about pods, to and from the form in which MeshNodes hold them. What comes from the API is as hostile as what comes from a node.</summary>
internal static class PodReports
{
    // A node's own reports are shortened to this as well (NodeStreamService).
    private const int MaxReasonLength = 2048;

    /// <param name="before">What was written of the pod before; null for nothing.</param>
    internal static MeshNodePod ToStatus(PodReport report, MeshNodePod? before) => new(report.Uid, report.Phase.ToString(), report.Reason,
        report.Phase switch
        {
            PodPhase.Captured => true,
            PodPhase.Quiet or PodPhase.Released or PodPhase.Gone => false,
            _ => before?.Enrolled == true, // as EnrolmentLedger: a Redirector that starts again takes nothing out of the mesh
        },
        report.ConnectionsFromBefore, [.. report.ExcludedInboundPorts.Select(p => (int)p).Order()]);

    /// <summary>The report that a status was made of; null if it says something that no version of ours wrote.</summary>
    internal static PodReport? ToReport(MeshNodePod pod)
    {
        if (pod.Uid is not { Length: > 0 and <= 256 } || !Enum.TryParse<PodPhase>(pod.Phase, ignoreCase: false, out var phase) || !Enum.IsDefined(phase))
            return null;
        return new PodReport
        {
            Uid = pod.Uid,
            Phase = phase,
            Reason = pod.Reason is { Length: > MaxReasonLength } reason ? reason[..MaxReasonLength] : pod.Reason ?? "",
            ConnectionsFromBefore = (uint)Math.Clamp(pod.ConnectionsFromBefore, 0, uint.MaxValue),
            ExcludedInboundPorts = { (pod.ExcludedInboundPorts ?? []).Where(p => p is > 0 and <= 65_535).Select(p => (uint)p) },
        };
    }
}
