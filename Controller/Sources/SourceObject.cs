using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources.Policies;

namespace Ambient.Controller.Sources;

// The slim objects that every source makes of what it reads. They hold what the model needs and nothing else.

/// <summary>What all objects have.</summary>
internal abstract record SourceObject(string Kind, string Namespace, string Name, SourcePlace Place)
{
    /// <summary>Kind, namespace and name: two objects with the same identity are one object told twice.</summary>
    internal (string Kind, string Namespace, string Name) Identity => (Kind, Namespace, Name);

    public sealed override string ToString() => Namespace.Length > 0 ? $"{Kind} {Namespace}/{Name} ({Place})" : $"{Kind} {Name} ({Place})";
}

internal sealed record NamespaceObject(string Name, FrozenDictionary<string, string> Labels,
    FrozenDictionary<string, string> Annotations, SourcePlace Place) : SourceObject("Namespace", "", Name, Place);

/// <param name="Uid">Unique among all pods that ever were.</param>
/// <param name="WorkloadName">Name of what owns the pod, for display; the pod's own where nothing does.</param>
/// <param name="NamedPorts">Container ports for TCP that have a name, for services that target them by it.</param>
internal sealed record PodObject(string Namespace, string Name, string Uid, FrozenDictionary<string, string> Labels,
    FrozenDictionary<string, string> Annotations, string Node, string ServiceAccount, bool HostNetwork,
    ImmutableArray<IPAddress> Addresses, bool IsFinished, bool IsReady, string WorkloadName,
    FrozenDictionary<string, int> NamedPorts, SourcePlace Place) : SourceObject("Pod", Namespace, Name, Place)
{
    /// <summary>It was told to end (metadata.deletionTimestamp), and has not ended yet.</summary>
    internal bool IsTerminating { get; init; }

    /// <summary>What kubelet asks of it.</summary>
    internal ImmutableArray<Protocol.Model.Probe> Probes { get; init; } = [];
}

/// <param name="Selector">Null for a service whose endpoints only slices tell.</param>
internal sealed record ServiceObject(string Namespace, string Name, ImmutableArray<IPAddress> Addresses, bool IsHeadless,
    ImmutableArray<ServicePortObject> Ports, FrozenDictionary<string, string>? Selector, SourcePlace Place)
    : SourceObject("Service", Namespace, Name, Place)
{
    /// <summary>How it spreads its clients.</summary>
    internal ServiceTraffic Traffic { get; init; } = ServiceTraffic.Default;
}

/// <param name="TargetPort">The port at the endpoint; 0 if <paramref name="TargetName"/> names it.</param>
internal sealed record ServicePortObject(string Name, int Port, int TargetPort, string TargetName, string Protocol, string AppProtocol);

internal sealed record EndpointSliceObject(string Namespace, string Name, string Service, ImmutableArray<SliceEndpoint> Endpoints,
    ImmutableArray<SlicePort> Ports, SourcePlace Place) : SourceObject("EndpointSlice", Namespace, Name, Place);

/// <param name="Pod">Name of the pod behind it; empty if none is told.</param>
internal sealed record SliceEndpoint(ImmutableArray<IPAddress> Addresses, bool IsReady, string Pod, string Zone)
{
    /// <summary>It answers, whether it is to go or not.</summary>
    internal bool IsServing { get; init; }

    /// <summary>It is to go.</summary>
    internal bool IsTerminating { get; init; }

    /// <summary>The node it runs on; empty if none is told.</summary>
    internal string Node { get; init; } = "";
}

/// <summary>Where the endpoints of a slice listen for TCP.</summary>
internal sealed record SlicePort(string Name, int Port);

internal sealed record NetworkPolicyObject(string Namespace, string Name, LabelSelector Pods, SourcePlace Place)
    : PodPolicyObject("NetworkPolicy", Namespace, Name, Place)
{
    internal override bool Selects(PodObject pod, NamespaceObject? ns) => Pods.Selects(pod.Labels);
}

/// <summary>Settings of the mesh; null where the object says nothing.</summary>
internal sealed record MeshConfigObject(string Name, string? TrustDomain, ImmutableArray<IPNetwork> PodRanges,
    ImmutableArray<IPNetwork> ServiceRanges, bool? IsStrict, bool? DirectAllowed, int? DrainSeconds, SourcePlace Place)
    : SourceObject("MeshConfig", "", Name, Place)
{
    /// <summary>Tunnels dial the app's own port where both nodes can.</summary>
    internal bool? TunnelOnOriginalPort { get; init; }

    /// <summary>Which namespaces a namespace may call; empty for everything.</summary>
    internal ImmutableArray<ReachRule> Reach { get; init; } = [];
}
