using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Ambient.Protocol.Identity;

namespace Ambient.Protocol.Model;

/// <summary>A pod, in the mesh or not. What its deployment's pods have in common is one object for all of them.</summary>
public sealed record Workload : MeshResource
{
    private WorkloadTraits _traits = WorkloadTraits.None;

    /// <summary>A pod of which nothing is known yet.</summary>
    public Workload()
    {
    }

    [SetsRequiredMembers]
    internal Workload(string uid, string name, WorkloadTraits traits) =>
        (Uid, Name, _traits, Namespace, ServiceAccount) = (uid, name, traits, traits.Namespace, traits.ServiceAccount);

    /// <summary>The pod's UID: what pools, orders and reports are keyed by.</summary>
    public required string Uid { get; init; }

    /// <summary>The pod's namespace.</summary>
    public required string Namespace { get => _traits.Namespace; init => _traits = _traits.Namespace == value ? _traits : _traits with { Namespace = value }; }

    /// <summary>The pod's name.</summary>
    public required string Name { get; init; }

    /// <summary>The pod's service account; with the namespace, its identity.</summary>
    public required string ServiceAccount { get => _traits.ServiceAccount; init => _traits = _traits.ServiceAccount == value ? _traits : _traits with { ServiceAccount = value }; }

    /// <summary>The node it runs on; empty while it has none.</summary>
    public string Node { get; init; } = "";

    /// <summary>The owner's name (a Deployment's, say), for display and metrics; the pod's own name if it has no owner.</summary>
    public string WorkloadName { get => _traits.WorkloadName; init => _traits = _traits with { WorkloadName = value }; }

    /// <summary>Its addresses, IPv4-mapped ones as plain IPv4.</summary>
    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>How far it is on its way into the mesh or out of it.</summary>
    public Enrolment Enrolment { get; init; }

    /// <summary>What it does with plaintext.</summary>
    public ProtectionMode Mode { get => _traits.Mode; init => _traits = _traits with { Mode = value }; }

    /// <summary>Why traffic from or to it may not stay inside the process; null if it may.</summary>
    public string? DirectForbiddenReason { get => _traits.DirectForbiddenReason; init => _traits = _traits with { DirectForbiddenReason = value }; }

    /// <summary>It shares its node's network namespace: never captured, never found by address.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>It was told to end: it finishes what it has and serves who comes all the same, until it is gone.</summary>
    public bool IsTerminating { get; init; }

    /// <summary>What its node can do, for example <c>tunnel-on-original-port</c>.</summary>
    public ImmutableArray<string> Capabilities { get => _traits.Capabilities; init => _traits = _traits with { Capabilities = value }; }

    /// <summary>Ports whose mode is another than <see cref="Mode"/>.</summary>
    public ImmutableArray<PortMode> PortModes { get => _traits.PortModes; init => _traits = _traits with { PortModes = value }; }

    /// <summary>Ports that are not captured: they are spoken to in plaintext by everybody.</summary>
    public ImmutableArray<int> ExcludedInboundPorts { get => _traits.ExcludedInboundPorts; init => _traits = _traits with { ExcludedInboundPorts = value }; }

    /// <summary>Keys of the policies that select it. One that the view does not hold denies.</summary>
    public ImmutableArray<string> Policies { get => _traits.Policies; init => _traits = _traits with { Policies = value }; }

    /// <summary>What its own node may ask of it in plaintext under STRICT.</summary>
    public ImmutableArray<Probe> Probes { get => _traits.Probes; init => _traits = _traits with { Probes = value }; }

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
    public SpiffeId IdentityIn(string trustDomain) => _traits.IdentityIn(trustDomain);

    /// <summary>The same, made of the predecessor's objects as far as they are equal: others hold those already.</summary>
    public Workload Sharing(Workload before) => this with
    {
        Uid = Uid == before.Uid ? before.Uid : Uid,
        Name = Name == before.Name ? before.Name : Name,
        Addresses = Addresses.AsSpan().SequenceEqual(before.Addresses.AsSpan()) ? before.Addresses : Addresses,
    };
}
