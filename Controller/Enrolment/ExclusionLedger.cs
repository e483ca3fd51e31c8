using System.Collections.Immutable;
using Ambient.Controller.Model;

namespace Ambient.Controller.Enrolment;

/// <summary>
/// Keeps the order of things while a captured pod's excluded inbound ports change: others speak plaintext to a port before the pod's
/// rules let it alone, and speak tunnel again only after the rules capture it. Pure, as <see cref="EnrolmentLedger"/> is; owned by
/// whoever holds its lock.
/// <code>
///   a port more:  announced --(acks, or 2 s)--> ordered
///   a port less:  no longer ordered --(its node says so, or 5 s)--> no longer announced
/// </code>
/// </summary>
internal sealed class ExclusionLedger(DateTimeOffset started)
{
    /// <summary>How long an announcement outlives the order by which the rules lose a port, if the node does not say that they have.</summary>
    internal static readonly TimeSpan RulesWait = TimeSpan.FromSeconds(5);

    /// <summary>The pods' exclusions, and which of them are not announced or not written down yet.</summary>
    internal PodRecords<PodExclusions> Records { get; } = new();

    internal IReadOnlyDictionary<string, PodExclusions> Pods => Records.Pods;

    /// <summary>When something falls due without anybody's word; null for never.</summary>
    internal DateTimeOffset? NextDeadline => Records.NextDeadline;

    /// <summary>Whether an order waits for acks.</summary>
    internal bool IsWaitingForAcks => Records.Timed.Any(p => p.Value.IsWaitingForAcks);

    /// <summary>What is announced. Of a pod that is not in the mesh it is what the sources say, and changes nothing.</summary>
    internal ImmutableArray<uint> AnnouncedOf(MeshPod pod) => Pods.TryGetValue(pod.Uid, out var known) ? known.Announced : pod.Exclusions.InboundPorts;

    /// <summary>What the pod's node is ordered.</summary>
    internal ImmutableArray<uint> OrderedOf(MeshPod pod) => Pods.TryGetValue(pod.Uid, out var known) ? known.Ordered : pod.Exclusions.InboundPorts;

    /// <summary>Takes over what the predecessor of this process wrote down.</summary>
    internal void Restore(IEnumerable<KeyValuePair<string, (ImmutableArray<uint> Announced, ImmutableArray<uint> Ordered)>> pods)
    {
        foreach (var (uid, ports) in pods)
            Records.Keep(uid, new PodExclusions(ports.Ordered, ports.Announced, ports.Ordered, null, 0, null));
    }

    /// <summary>Compares with what the sources now want of the pods that are in the mesh, on their way in, or on their way out.</summary>
    internal void Reconcile(IReadOnlyDictionary<string, MeshPod> wanted, IReadOnlyDictionary<string, PodEnrolment> enrolled, DateTimeOffset now) =>
        Reconcile(wanted, enrolled, Pods.Keys.Union(enrolled.Keys).ToList(), now);

    /// <summary>The same for some pods.</summary>
    /// <param name="uids">Those that are wanted differently than before, or whose enrolment is another.</param>
    internal void Reconcile(IReadOnlyDictionary<string, MeshPod> wanted, IReadOnlyDictionary<string, PodEnrolment> enrolled, IEnumerable<string> uids, DateTimeOffset now)
    {
        foreach (var uid in uids)
        {
            var known = Pods.GetValueOrDefault(uid);
            if (!enrolled.ContainsKey(uid) || !wanted.TryGetValue(uid, out var pod))
            {
                if (known is not null)
                    Records.Remove(uid);
                continue;
            }
            var ports = pod.Exclusions.InboundPorts;
            // Nobody was told yet to open tunnels to a pod that is new here.
            if (known is null)
                Records.Write(uid, new PodExclusions(ports, ports, ports, null, 0, null));
            else if (!known.Wanted.SequenceEqual(ports) || (known.Deadline is null && (known.IsWaitingForAcks || known.IsWaitingForRules)))
                Want(uid, known with { Wanted = ports }, now);
        }
    }

    /// <summary>Takes a node's word about what the rules of a pod of its exclude.</summary>
    internal void Report(string uid, IEnumerable<uint> inForce)
    {
        if (Pods.TryGetValue(uid, out var known))
            Records.Keep(uid, known with { InForce = [.. inForce.Order()] });
    }

    /// <summary>Moves on what has been waited for long enough.</summary>
    /// <param name="haveAllAcked">Whether every connected node has acked this version or a later one.</param>
    /// <returns>The pods of which orders say something else now.</returns>
    internal IReadOnlyCollection<string> Advance(DateTimeOffset now, Func<ulong, bool> haveAllAcked)
    {
        var ordered = new List<string>();
        foreach (var (uid, pod) in Records.Timed.ToList())
        {
            var next = pod;
            var isDue = now >= pod.Deadline;
            // Right after the start nobody is connected, which must not pass for everybody's consent.
            var hasConsent = pod.AnnouncedIn > 0 && now >= started + EnrolmentLedger.SettleTime && haveAllAcked(pod.AnnouncedIn);
            if (next.IsWaitingForAcks && (isDue || hasConsent))
            {
                next = next with { Ordered = next.Wanted, Deadline = now + RulesWait };
                ordered.Add(uid);
                isDue = false;
            }
            if (next.IsWaitingForRules && (isDue || (next.InForce is { } inForce && inForce.SequenceEqual(next.Wanted))))
            {
                next = next with { Announced = next.Wanted, AnnouncedIn = 0 };
                Records.MarkChanged(uid);
            }
            if (next is { IsWaitingForAcks: false, IsWaitingForRules: false })
                next = next with { Deadline = null };
            if (next != pod)
                Records.Write(uid, next);
        }
        return ordered;
    }

    private void Want(string uid, PodExclusions pod, DateTimeOffset now)
    {
        // What the rules may have stays announced until they are known not to have it.
        ImmutableArray<uint> announced = [.. pod.Announced.Concat(pod.Ordered).Concat(pod.Wanted).Distinct().Order()];
        if (!announced.SequenceEqual(pod.Announced))
        {
            pod = pod with { Announced = announced, AnnouncedIn = 0 };
            Records.MarkChanged(uid);
        }
        var due = now + EnrolmentLedger.AckWait;
        Records.Write(uid, pod with { Deadline = due > started + EnrolmentLedger.SettleTime ? due : started + EnrolmentLedger.SettleTime });
    }
}
