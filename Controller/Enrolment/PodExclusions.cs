using System.Collections.Immutable;

namespace Ambient.Controller.Enrolment;

/// <summary>A pod's inbound ports that are left alone: what all nodes are told, and what its own node is ordered. Immutable.</summary>
/// <param name="Wanted">What its annotations say now.</param>
/// <param name="Announced">What the view says. It holds at least what is ordered, but for a node that never answers.</param>
/// <param name="Ordered">What the capture order of its node says.</param>
/// <param name="InForce">What its node said last to be in the rules; null until it says something.</param>
/// <param name="AnnouncedIn">View version that first told <paramref name="Announced"/>; 0 until it is published.</param>
/// <param name="Deadline">When the next step is taken without anybody's word; null while there is nothing to do.</param>
internal sealed record PodExclusions(ImmutableArray<uint> Wanted, ImmutableArray<uint> Announced, ImmutableArray<uint> Ordered,
    ImmutableArray<uint>? InForce, ulong AnnouncedIn, DateTimeOffset? Deadline) : IAnnounced<PodExclusions>
{
    /// <summary>The order does not say what is wanted yet.</summary>
    internal bool IsWaitingForAcks => !Ordered.SequenceEqual(Wanted);

    /// <summary>More is announced than is wanted, because the rules may still have it.</summary>
    internal bool IsWaitingForRules => !IsWaitingForAcks && !Announced.SequenceEqual(Wanted);

    /// <inheritdoc/>
    public PodExclusions ToldWith(ulong version) => this with { AnnouncedIn = version };
}
