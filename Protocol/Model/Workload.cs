using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Identity;

namespace Ambient.Protocol.Model;

/// <summary>A pod, in the mesh or not.</summary>
public sealed record Workload : MeshResource
{
    private IdentityMemo _identity;

    /// <summary>The pod's UID: what pools, orders and reports are keyed by.</summary>
    public required string Uid { get; init; }

    /// <summary>The pod's namespace.</summary>
    public required string Namespace { get; init; }

    /// <summary>The pod's name.</summary>
    public required string Name { get; init; }

    /// <summary>The pod's service account; with the namespace, its identity.</summary>
    public required string ServiceAccount { get; init; }

    /// <summary>The node it runs on; empty while it has none.</summary>
    public string Node { get; init; } = "";

    /// <summary>The owner's name (a Deployment's, say), for display and metrics; the pod's own name if it has no owner.</summary>
    public string WorkloadName { get; init; } = "";

    /// <summary>Its addresses, IPv4-mapped ones as plain IPv4.</summary>
    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>How far it is on its way into the mesh or out of it.</summary>
    public Enrolment Enrolment { get; init; }

    /// <summary>What it does with plaintext.</summary>
    public ProtectionMode Mode { get; init; }

    /// <summary>Why traffic from or to it may not stay inside the process; null if it may.</summary>
    public string? DirectForbiddenReason { get; init; }

    /// <summary>It shares its node's network namespace: never captured, never found by address.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>It was told to end: it finishes what it has and serves who comes all the same, until it is gone.</summary>
    public bool IsTerminating { get; init; }

    /// <summary>What its node can do, for example <c>tunnel-on-original-port</c>.</summary>
    public ImmutableArray<string> Capabilities { get; init; } = [];

    /// <summary>Ports whose mode is another than <see cref="Mode"/>.</summary>
    public ImmutableArray<PortMode> PortModes { get; init; } = [];

    /// <summary>Ports that are not captured: they are spoken to in plaintext by everybody.</summary>
    public ImmutableArray<int> ExcludedInboundPorts { get; init; } = [];

    /// <summary>Keys of the policies that select it. One that the view does not hold denies.</summary>
    public ImmutableArray<string> Policies { get; init; } = [];

    /// <summary>What its own node may ask of it in plaintext under STRICT.</summary>
    public ImmutableArray<Probe> Probes { get; init; } = [];

    /// <inheritdoc/>
    public override string Key => ResourceKeys.Workload(Uid);

    /// <summary>What it does with plaintext on a port.</summary>
    public ProtectionMode ModeOf(int port)
    {
        foreach (PortMode exception in PortModes)
        {
            if (exception.Port == port)
                return exception.Mode;
        }
        return Mode;
    }

    /// <summary>Its identity under a trust domain. The last answer is kept, so that asking per connection allocates nothing.</summary>
    public SpiffeId IdentityIn(string trustDomain)
    {
        SpiffeId? known = Volatile.Read(ref _identity.Last);
        if (known is not null && known.TrustDomain == trustDomain && known.ServiceAccount == ServiceAccount && known.Namespace == Namespace)
            return known;
        SpiffeId made = SpiffeId.Of(trustDomain, Namespace, ServiceAccount);
        Volatile.Write(ref _identity.Last, made);
        return made;
    }

    // Derived from the other members, so it takes no part in equality; two threads that both fill it write equal values.
    private struct IdentityMemo : IEquatable<IdentityMemo>
    {
        public SpiffeId? Last;

        public readonly bool Equals(IdentityMemo other) => true;

        public override readonly bool Equals(object? obj) => obj is IdentityMemo;

        public override readonly int GetHashCode() => 0;
    }
}
