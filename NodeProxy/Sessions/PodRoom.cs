using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Sessions;

/// <summary>Whether there is room for one more connection of a pod, and the words for it when there is not.</summary>
internal static class PodRoom
{
    /// <summary>
    /// Refused, and not left in the backlog: connections that are open may stay so for days, and a wait without an end is no answer.
    /// </summary>
    public static bool RefusalOf(PodOnLoop pod, out RefusalReason reason, out string detail)
    {
        var admission = pod.Admit();
        (reason, detail) = admission switch
        {
            Admission.Open => (default, ""),
            Admission.PodAtShare => (RefusalReason.PodShare, "the pod's connections hold their share of this node's descriptors"),
            Admission.NodeFull => (RefusalReason.Overloaded, $"connections hold {NodeCapacity.ShedAtPercent} % of this node's descriptors"),
            Admission.MemoryShort => (RefusalReason.Overloaded, $"{NodeCapacity.ShedAtPercent} % of this node's memory is used"),
        };
        return admission != Admission.Open;
    }
}
