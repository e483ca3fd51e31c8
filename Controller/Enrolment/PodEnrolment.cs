using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Enrolment;

/// <summary>How far one pod is on its way into the mesh or out of it. Immutable: readers outside the ledger keep what they got.</summary>
/// <param name="IsOrdered">The capture order of its node lists it.</param>
/// <param name="Phase">What its node reported last.</param>
/// <param name="Reason">What its node said about it, or why it is where it is; for people.</param>
/// <param name="AnnouncedIn">View version that first told the present state; 0 until it is published.</param>
/// <param name="Deadline">When the state moves on without anybody's word; null for never.</param>
internal sealed record PodEnrolment(string Uid, string Node, EnrolmentState State, bool IsOrdered, PodPhase Phase, string Reason,
    uint ConnectionsFromBefore, ulong AnnouncedIn, DateTimeOffset? Deadline) : IAnnounced<PodEnrolment>
{
    /// <inheritdoc/>
    public PodEnrolment ToldWith(ulong version) => this with { AnnouncedIn = version };
}
