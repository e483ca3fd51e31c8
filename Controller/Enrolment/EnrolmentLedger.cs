using Ambient.Controller.Model;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Enrolment;

/// <summary>
/// The state machine of every pod that is in the mesh, on its way in or on its way out. Pure: time and everything else
/// comes in by parameter. Owned by whoever holds its lock.
/// <code>
///                 wanted                      CAPTURED reported
///      NONE ----------------> ENROLLING ---------------------------> ENROLLED
///       ^                       |  ^                                  |   |
///       |                       |  |   FAILED or PREPARING for 5 s,   |   |
///       |                       |  +---- QUIET, RELEASED, GONE, ------+   |
///       |                       |        or the node's kernel started     |
///       |            not wanted |                                         | not wanted
///       |                       v                                         v
///       |   RELEASED,     WITHDRAWING, not ordered  <--- acks or --- WITHDRAWING, still ordered
///       +--- GONE or -----------+                        2 s              |
///            a deadline         | wanted again: ENROLLING                 | wanted again: as it was before
/// </code>
/// One that is reported UNPROVED, broken by somebody and not to be mended, stays what it is. A pod that the source no longer holds leaves
/// from anywhere, at once. Silence of a node changes nothing: not being told is no evidence, and a downgrade without evidence would cut a
/// working mesh.
/// </summary>
internal sealed class EnrolmentLedger(DateTimeOffset started)
{
    /// <summary>How long a withdrawal waits for the nodes' acks.</summary>
    internal static readonly TimeSpan AckWait = TimeSpan.FromSeconds(2);

    /// <summary>How long nodes have to come back to a controller that has just started, before their acks are not waited for.</summary>
    internal static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(5);

    /// <summary>How long an enrolled pod may be reported as not captured (its Redirector starts again, say) before others are told.</summary>
    internal static readonly TimeSpan RegressionGrace = TimeSpan.FromSeconds(5);

    /// <summary>How long, beyond draining, a withdrawn pod's node may owe the word that rules are gone.</summary>
    internal static readonly TimeSpan ReleaseGrace = TimeSpan.FromSeconds(30);

    /// <summary>The pods' states, and which of them are not announced or not written down yet.</summary>
    internal PodRecords<PodEnrolment> Records { get; } = new();

    internal IReadOnlyDictionary<string, PodEnrolment> Pods => Records.Pods;

    /// <summary>When something falls due without anybody's word; null for never.</summary>
    internal DateTimeOffset? NextDeadline => Records.NextDeadline;

    /// <summary>Whether a withdrawal waits for acks.</summary>
    internal bool IsWaitingForAcks => Records.Timed.Any(p => IsWaiting(p.Value));

    internal EnrolmentState StateOf(string uid) => Pods.TryGetValue(uid, out var pod) ? pod.State : EnrolmentState.None;

    /// <summary>Takes over what the predecessor of this process wrote down.</summary>
    internal void Restore(IEnumerable<PodEnrolment> pods)
    {
        foreach (var pod in pods)
        {
            Records.Keep(pod.Uid, pod with
            {
                AnnouncedIn = 0,
                Deadline = pod switch
                {
                    { State: EnrolmentState.Withdrawing, IsOrdered: true } => started + SettleTime,
                    { State: EnrolmentState.Withdrawing } => started + SettleTime + ReleaseGrace,
                    _ => null,
                },
            });
        }
    }

    /// <summary>Compares with what the sources now want.</summary>
    internal void Reconcile(IReadOnlyDictionary<string, MeshPod> wanted, DateTimeOffset now) => Reconcile(wanted, wanted.Keys.Union(Pods.Keys).ToList(), now);

    /// <summary>Compares some pods with what the sources now want of them.</summary>
    /// <param name="uids">Those that are wanted differently than before, or no longer.</param>
    internal void Reconcile(IReadOnlyDictionary<string, MeshPod> wanted, IEnumerable<string> uids, DateTimeOffset now)
    {
        foreach (var uid in uids)
        {
            var (known, pod) = (Pods.GetValueOrDefault(uid), wanted.GetValueOrDefault(uid));
            if (known is not null && pod?.Node != known.Node)
            {
                Remove(known);
                known = null;
            }
            if (pod is { WantsEnrolment: true })
                Want(pod, known);
            else if (known is { State: EnrolmentState.Enrolling or EnrolmentState.Enrolled })
                Set(known with { State = EnrolmentState.Withdrawing, Deadline = Later(now + AckWait, started + SettleTime) });
        }
    }

    /// <summary>Takes a node's report about one of its pods.</summary>
    /// <returns>False if the pod is not one that this node could report about.</returns>
    internal bool Report(string node, PodReport report, DateTimeOffset now)
    {
        if (!Pods.TryGetValue(report.Uid, out var pod) || pod.Node != node)
            return false;
        pod = pod with { Phase = report.Phase, Reason = report.Reason, ConnectionsFromBefore = report.ConnectionsFromBefore };
        switch (report.Phase)
        {
            case PodPhase.Captured when pod.State == EnrolmentState.Enrolling:
                Set(pod with { State = EnrolmentState.Enrolled, Deadline = null });
                break;
            // Its tunnels are served as before. To tell peers to speak plaintext with it would let whoever can break rules in a pod switch off
            // encryption and policy for it.
            case PodPhase.Captured or PodPhase.Unproved when pod.State == EnrolmentState.Enrolled:
                Note(pod with { Deadline = null });
                break;
            case PodPhase.Preparing or PodPhase.Failed when pod.State == EnrolmentState.Enrolled:
                Note(pod with { Deadline = pod.Deadline ?? now + RegressionGrace });
                break;
            case PodPhase.Quiet or PodPhase.Released or PodPhase.Gone when pod.State == EnrolmentState.Enrolled:
                Set(pod with { State = EnrolmentState.Enrolling, Deadline = null });
                break;
            case PodPhase.Released or PodPhase.Gone when pod.State == EnrolmentState.Withdrawing:
                Remove(pod);
                break;
            case PodPhase.Unspecified or PodPhase.Preparing or PodPhase.Captured or PodPhase.Unproved or PodPhase.Quiet
                or PodPhase.Released or PodPhase.Failed or PodPhase.Gone:
                Note(pod);
                break;
            default: // a phase of a later version of the protocol
                Note(pod);
                break;
        }
        return true;
    }

    /// <summary>The node's kernel is another one than before: nothing that its predecessor held in force is so any more.</summary>
    internal void NodeRestarted(string node)
    {
        foreach (var pod in Pods.Values.Where(p => p.Node == node).ToList())
        {
            if (pod is { State: EnrolmentState.Withdrawing })
                Remove(pod);
            else
                Set(pod with { State = EnrolmentState.Enrolling, Phase = PodPhase.Unspecified, Reason = "the node was started again", Deadline = null });
        }
    }

    /// <summary>Something that all of a node's pods show has changed: they are to be announced again.</summary>
    internal void NodeChanged(string node, IEnumerable<MeshPod> pods)
    {
        foreach (var pod in pods.Where(p => p.Node == node))
            Records.MarkChanged(pod.Uid);
    }

    /// <summary>Moves on what has been waited for long enough.</summary>
    /// <param name="haveAllAcked">Whether every connected node has acked this version or a later one.</param>
    /// <param name="isConnected">Whether a node can be expected to report.</param>
    internal void Advance(DateTimeOffset now, TimeSpan drain, Func<ulong, bool> haveAllAcked, Func<string, bool> isConnected)
    {
        foreach (var (_, pod) in Records.Timed.ToList())
        {
            var isDue = now >= pod.Deadline;
            if (IsWaiting(pod))
            {
                // Right after the start nobody is connected, which must not pass for everybody's consent.
                if (isDue || (pod.AnnouncedIn > 0 && now >= started + SettleTime && haveAllAcked(pod.AnnouncedIn)))
                    Set(pod with { IsOrdered = false, Deadline = now + drain + ReleaseGrace });
            }
            else if (isDue && pod.State == EnrolmentState.Withdrawing)
            {
                if (isConnected(pod.Node))
                    Remove(pod);
                else
                    Note(pod with { Deadline = now + ReleaseGrace });
            }
            else if (isDue)
            {
                Set(pod with { State = EnrolmentState.Enrolling, Deadline = null });
            }
        }
    }

    private static bool IsWaiting(PodEnrolment pod) => pod is { State: EnrolmentState.Withdrawing, IsOrdered: true };

    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private void Want(MeshPod pod, PodEnrolment? known)
    {
        if (known is null)
        {
            Set(new PodEnrolment(pod.Uid, pod.Node, EnrolmentState.Enrolling, IsOrdered: true, PodPhase.Unspecified, "", 0, 0, null));
        }
        else if (known is { State: EnrolmentState.Withdrawing })
        {
            // Still ordered: nothing was undone yet. Else the rules may be half gone, and only a new report tells.
            var state = known is { IsOrdered: true, Phase: PodPhase.Captured } ? EnrolmentState.Enrolled : EnrolmentState.Enrolling;
            Set(known with { State = state, IsOrdered = true, Deadline = null });
        }
    }

    private void Set(PodEnrolment pod)
    {
        Records.Write(pod.Uid, pod with { AnnouncedIn = 0 });
        Records.MarkChanged(pod.Uid);
    }

    private void Note(PodEnrolment pod)
    {
        if (Pods[pod.Uid].Phase != pod.Phase)
            Records.Write(pod.Uid, pod);
        else
            Records.Keep(pod.Uid, pod);
    }

    private void Remove(PodEnrolment pod) => Records.Remove(pod.Uid);
}
