using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Ambient.Protocol.Model;
using Google.Protobuf;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// What a node knows of the mesh, one version of it. Immutable, and shares all structure that a delta left alone with its predecessor, so
/// that a delta costs what it changes. Lookups take no lock and allocate nothing.
/// </summary>
/// <remarks>
/// An address claimed by several workloads is not a fault of the delta (a pod's successor is often announced before its own end), and
/// refusing it would stop all updates. One of them is found, by a rule that does not depend on the order of arrival: the one further
/// enrolled, since then a wrong choice fails at the identity check instead of going out in the clear; among equals the smaller UID.
/// Services: the smaller namespace/name.
/// </remarks>
public sealed class MeshView
{
    private readonly PersistentMap<string, Workload> _workloads;
    private readonly AddressIndex<Workload> _byAddress;
    private readonly PersistentMap<string, ImmutableArray<Workload>> _byNode;
    private readonly PersistentMap<string, ServiceSlot> _services;
    private readonly AddressIndex<ServiceView> _servicesByAddress;
    private readonly PersistentMap<string, Node> _nodes;
    private readonly AddressIndex<Node> _nodesByAddress;
    private readonly PersistentMap<string, AccessPolicy> _policies;

    internal MeshView(
        string epoch,
        ulong version,
        ByteString fingerprint,
        MeshSettings settings,
        PersistentMap<string, Workload> workloads,
        AddressIndex<Workload> byAddress,
        PersistentMap<string, ImmutableArray<Workload>> byNode,
        PersistentMap<string, ServiceSlot> services,
        AddressIndex<ServiceView> servicesByAddress,
        PersistentMap<string, Node> nodes,
        AddressIndex<Node> nodesByAddress,
        PersistentMap<string, AccessPolicy> policies)
    {
        (Epoch, Version, Fingerprint, Settings) = (epoch, version, fingerprint, settings);
        (_workloads, _byAddress, _byNode, _services, _servicesByAddress) = (workloads, byAddress, byNode, services, servicesByAddress);
        (_nodes, _nodesByAddress, _policies) = (nodes, nodesByAddress, policies);
    }

    /// <summary>Nothing is known yet.</summary>
    public static MeshView Empty { get; } = new(
        "", 0, ByteString.Empty, MeshSettings.Default, PersistentMap<string, Workload>.Empty, AddressIndex<Workload>.Empty,
        PersistentMap<string, ImmutableArray<Workload>>.Empty, PersistentMap<string, ServiceSlot>.Empty, AddressIndex<ServiceView>.Empty,
        PersistentMap<string, Node>.Empty, AddressIndex<Node>.Empty, PersistentMap<string, AccessPolicy>.Empty);

    /// <summary>Versions are comparable within one epoch only.</summary>
    public string Epoch { get; }

    /// <summary>Rises with every delta.</summary>
    public ulong Version { get; }

    /// <summary>What the controllers of this mesh know this view by, whatever their epochs; empty if it was told none.</summary>
    public ByteString Fingerprint { get; }

    /// <summary>A controller has spoken, now or before a restart. False for <see cref="Empty"/> only.</summary>
    public bool IsPresent => Epoch.Length > 0;

    /// <summary>What holds for the whole mesh.</summary>
    public MeshSettings Settings { get; }

    /// <summary>How many workloads it knows.</summary>
    public int WorkloadCount => _workloads.Count;

    /// <summary>How many names of services it knows, those of which only endpoints are known included.</summary>
    public int ServiceCount => _services.Count;

    /// <summary>How many addresses several workloads or several services claim. Above zero for more than moments, something is wrong at the source.</summary>
    public int ContestedAddresses => _byAddress.Contested + _servicesByAddress.Contested;

    /// <summary>Every workload, in an order that says nothing.</summary>
    public IEnumerable<Workload> Workloads => _workloads.Select(entry => entry.Value);

    /// <summary>Every node, in an order that says nothing.</summary>
    public IEnumerable<Node> Nodes => _nodes.Select(entry => entry.Value);

    /// <summary>Every policy, in an order that says nothing.</summary>
    public IEnumerable<AccessPolicy> Policies => _policies.Select(entry => entry.Value);

    /// <summary>Every service, in an order that says nothing.</summary>
    public IEnumerable<ServiceView> Services => _services.Select(entry => entry.Value.View).OfType<ServiceView>();

    internal PersistentMap<string, Workload> WorkloadMap => _workloads;

    internal AddressIndex<Workload> AddressMap => _byAddress;

    internal PersistentMap<string, ImmutableArray<Workload>> NodeMap => _byNode;

    internal PersistentMap<string, ServiceSlot> ServiceMap => _services;

    internal AddressIndex<ServiceView> ServiceAddressMap => _servicesByAddress;

    internal PersistentMap<string, Node> NodeByName => _nodes;

    internal AddressIndex<Node> NodeAddressMap => _nodesByAddress;

    internal PersistentMap<string, AccessPolicy> PolicyMap => _policies;

    /// <summary>Finds the pod with an address. Pods on the host's network are not found: their address is their node's.</summary>
    public bool TryFindWorkload(IPAddress address, [NotNullWhen(true)] out Workload? workload) => _byAddress.TryFind(address, out workload);

    /// <summary>Finds the pod with a UID.</summary>
    public bool TryFindWorkloadByUid(string uid, [NotNullWhen(true)] out Workload? workload) => _workloads.TryGetValue(uid, out workload);

    /// <summary>Finds the service with a cluster address.</summary>
    public bool TryFindService(IPAddress address, [NotNullWhen(true)] out ServiceView? service) => _servicesByAddress.TryFind(address, out service);

    /// <summary>Finds a service by name.</summary>
    public bool TryFindService(string serviceNamespace, string name, [NotNullWhen(true)] out ServiceView? service)
    {
        service = _services.TryGetValue(ServiceName(serviceNamespace, name), out ServiceSlot? slot) ? slot.View : null;
        return service is not null;
    }

    /// <summary>The pods of a node, in an order that says nothing.</summary>
    public IReadOnlyCollection<Workload> WorkloadsOn(string node) =>
        _byNode.TryGetValue(node, out ImmutableArray<Workload> pods) ? pods : [];

    /// <summary>Finds a node.</summary>
    public bool TryFindNode(string name, [NotNullWhen(true)] out Node? node) => _nodes.TryGetValue(name, out node);

    /// <summary>Finds the node whose own address this is. The address of a host-network pod is its node's.</summary>
    public bool TryFindNodeByAddress(IPAddress address, [NotNullWhen(true)] out Node? node) => _nodesByAddress.TryFind(address, out node);

    /// <summary>Finds a policy by its key, as <see cref="Workload.Policies"/> names it.</summary>
    public bool TryFindPolicy(string key, [NotNullWhen(true)] out AccessPolicy? policy) => _policies.TryGetValue(key, out policy);

    /// <summary>Makes the view that a delta leads to. A delta with any fault is refused as a whole; this view is as it was either way.</summary>
    /// <param name="delta">The change.</param>
    /// <param name="next">The successor, or null.</param>
    /// <param name="reason">Why the delta is refused, for a person; null if it is not.</param>
    public bool TryApply(MeshDelta delta, [NotNullWhen(true)] out MeshView? next, [NotNullWhen(false)] out string? reason)
    {
        next = null;
        reason = FaultOf(delta);
        if (reason is not null)
            return false;
        var builder = new MeshViewBuilder(delta.IsFull ? Empty : this);
        foreach (string key in delta.Removals)
            builder.Remove(key);
        foreach (MeshResource resource in delta.Upserts)
            builder.Put(resource);
        next = builder.ToView(delta.Epoch, delta.Version, delta.Fingerprint);
        return true;
    }

    /// <summary>Everything in it, as a full delta would bring it, in an order that says nothing.</summary>
    public IEnumerable<MeshResource> Resources()
    {
        yield return Settings;
        foreach (KeyValuePair<string, Node> node in _nodes)
            yield return node.Value;
        foreach (KeyValuePair<string, AccessPolicy> policy in _policies)
            yield return policy.Value;
        foreach (KeyValuePair<string, Workload> workload in _workloads)
            yield return workload.Value;
        foreach (KeyValuePair<string, ServiceSlot> slot in _services)
        {
            if (slot.Value.View is { } view)
                yield return view.Service;
            foreach (KeyValuePair<string, Endpoint> endpoint in slot.Value.Endpoints)
                yield return endpoint.Value;
        }
    }

    internal static string ServiceName(string serviceNamespace, string name) => $"{serviceNamespace}/{name}";

    private string? FaultOf(MeshDelta delta)
    {
        if (delta.Epoch.Length == 0)
            return "the delta has no epoch";
        if (delta.Fault is not null)
            return delta.Fault;
        if (delta.IsFull)
            return null;   // a controller may start anew from any version
        if (!delta.BuildsOn.IsEmpty && !Fingerprint.IsEmpty)
            return delta.BuildsOn.Equals(Fingerprint) ? null : $"version {delta.Version} does not build upon what version {Version} holds";
        if (delta.Epoch != Epoch)
            return IsPresent ? $"a delta of epoch {delta.Epoch} does not fit a view of epoch {Epoch}" : "a delta came before the first full view";
        return delta.Version < Version ? $"version {delta.Version} is older than {Version}" : null;
    }
}
