using System.Collections.Immutable;
using Ambient.Protocol.Identity;

namespace Ambient.Protocol.Model;

/// <summary>
/// What the pods of one deployment have in common: one object for all of them (<see cref="SharedValues"/>), which in a large mesh is most
/// of what is to be known of a pod. Equal if the content is, of arrays as well.
/// </summary>
internal sealed record WorkloadTraits
{
    private SpiffeId? _identity;   // the last answer; two threads that both fill it write equal values

    internal static WorkloadTraits None { get; } = new();

    internal string Namespace { get; init; } = "";

    internal string ServiceAccount { get; init; } = "";

    internal string WorkloadName { get; init; } = "";

    internal ProtectionMode Mode { get; init; }

    internal string? DirectForbiddenReason { get; init; }

    internal ImmutableArray<string> Capabilities { get; init; } = [];

    internal ImmutableArray<PortMode> PortModes { get; init; } = [];

    internal ImmutableArray<int> ExcludedInboundPorts { get; init; } = [];

    internal ImmutableArray<string> Policies { get; init; } = [];

    internal ImmutableArray<Probe> Probes { get; init; } = [];

    /// <summary>Derived from the other members, so it takes no part in equality.</summary>
    internal SpiffeId IdentityIn(string trustDomain)
    {
        SpiffeId? known = Volatile.Read(ref _identity);
        if (known is not null && known.TrustDomain == trustDomain && known.ServiceAccount == ServiceAccount && known.Namespace == Namespace)
            return known;
        SpiffeId made = SpiffeId.Of(trustDomain, Namespace, ServiceAccount);
        Volatile.Write(ref _identity, made);
        return made;
    }

    /// <inheritdoc/>
    public bool Equals(WorkloadTraits? other) => ReferenceEquals(this, other) || (other is not null
        && Namespace == other.Namespace && ServiceAccount == other.ServiceAccount && WorkloadName == other.WorkloadName
        && Mode == other.Mode && DirectForbiddenReason == other.DirectForbiddenReason
        && Capabilities.AsSpan().SequenceEqual(other.Capabilities.AsSpan()) && PortModes.AsSpan().SequenceEqual(other.PortModes.AsSpan())
        && ExcludedInboundPorts.AsSpan().SequenceEqual(other.ExcludedInboundPorts.AsSpan())
        && Policies.AsSpan().SequenceEqual(other.Policies.AsSpan()) && Probes.AsSpan().SequenceEqual(other.Probes.AsSpan()));

    /// <summary>Of the names, which nearly always decide it.</summary>
    public override int GetHashCode() => HashCode.Combine(Namespace, ServiceAccount, WorkloadName, Mode);
}
