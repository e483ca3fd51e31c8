using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ambient.Cli.Lab;

/// <summary>What a lab consists of: nodes by number, the pods on them, the services in front of those. Plain data.</summary>
internal sealed record LabPlan
{
    /// <summary>Nodes, numbered from 1; at most 9.</summary>
    public required int Nodes { get; init; }

    /// <summary>The pods; at most 1,000 a node, which is what one bridge of Linux takes.</summary>
    public required ImmutableArray<PodPlan> Pods { get; init; }

    /// <summary>The services; their addresses exist nowhere in the network.</summary>
    public ImmutableArray<ServicePlan> Services { get; init; } = [];

    /// <summary>Namespaces with a NetworkPolicy that selects all their pods, so that none of them may be served inside the process.</summary>
    public ImmutableArray<string> NamespacesWithPolicy { get; init; } = [];

    /// <summary>Whether there is a host outside the mesh, beyond node 1: network namespace <c>outside</c>.</summary>
    public bool HasOutside { get; init; }

    /// <summary>What captured pods do with plaintext from outside the mesh: PERMISSIVE or STRICT.</summary>
    public string Mode { get; init; } = "PERMISSIVE";

    /// <summary>Where tunnels between nodes are dialled: <c>hbone</c> (15008) or <c>original</c>, the app's own port.</summary>
    public string TunnelPort { get; init; } = "hbone";

    /// <summary>ADDRESS:PORT that each node's canary connects to; null for no canary.</summary>
    public string? CanaryService { get; init; }

    /// <summary>How long connections of a withdrawn pod may go on.</summary>
    public int DrainSeconds { get; init; } = 30;

    /// <summary>How long a NodeProxy's connections may go on after it was told to end.</summary>
    public int NodeDrainSeconds { get; init; } = 25;

    /// <summary>Lifetime of the workloads' certificates.</summary>
    public string LeafLifetime { get; init; } = "48h";

    /// <summary>Nodes whose NodeProxy is another build than ours: the program by the node's number. Its user must be able to start it.</summary>
    public ImmutableDictionary<int, string> NodeProxyPrograms { get; init; } = ImmutableDictionary<int, string>.Empty;

    /// <summary>What the controller goes by; null for a folder of YAML that says what this plan does.</summary>
    public ILabCluster? Cluster { get; init; }

    /// <summary>Namespaces of the pods, each once.</summary>
    public IEnumerable<string> Namespaces => Pods.Select(pod => pod.Namespace).Distinct();

    /// <summary>The pod of that name, which must be there.</summary>
    public PodPlan Pod(string name) => Pods.Single(pod => pod.Name == name);

    /// <summary>The service of that name, which must be there.</summary>
    public ServicePlan Service(string name) => Services.Single(service => service.Name == name);
}

/// <summary>A pod: a network namespace with an eth0, and what the controller's YAML says of it.</summary>
/// <param name="Node">Its node's number.</param>
/// <param name="Slot">1 to 1,000; its place in the node's address range.</param>
internal sealed record PodPlan(string Namespace, string Workload, int Node, int Slot)
{
    /// <summary>Unique among all pods that were ever there, as in Kubernetes.</summary>
    public string Uid { get; init; } = Guid.NewGuid().ToString();

    /// <summary>Set to opt one pod in ("true") or out ("false"), whatever its namespace does.</summary>
    public string? EnrollLabel { get; init; }

    /// <summary>It was told to end, as Kubernetes marks it.</summary>
    public bool IsTerminating { get; init; }

    /// <summary>Annotations beside the one that names the network namespace.</summary>
    public ImmutableDictionary<string, string> Annotations { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Its containers as YAML, a list in flow style without brackets; empty for none that anybody needs to know.</summary>
    public string Containers { get; init; } = "";

    /// <summary>Whether it has an IPv4 address.</summary>
    public bool HasV4 { get; init; } = true;

    /// <summary>Whether it has an IPv6 address.</summary>
    public bool HasV6 { get; init; } = true;

    /// <summary>The pod's name.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Workload}-{Node}{Slot}");

    /// <summary>The name of its network namespace.</summary>
    public string Network => string.Create(CultureInfo.InvariantCulture, $"p{Node}{Slot}");

    /// <summary>Its IPv4 address.</summary>
    public IPAddress V4 => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"{Block}.{10 + (Slot % Topology.BlockSize)}"));

    /// <summary>The first three parts of that: a node has as many such blocks as its pods need.</summary>
    public string Block => Topology.BlockOf(Node, Slot / Topology.BlockSize);

    /// <summary>Its IPv6 address.</summary>
    public IPAddress V6 => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd00:244:{Node}::{10 + Slot}"));

    /// <summary>Its address of a family.</summary>
    public IPAddress Address(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? V6 : V4;

    /// <summary>Those that it has.</summary>
    public ImmutableArray<IPAddress> Addresses => [.. Families.Select(Address)];

    /// <summary>The families of those, IPv4 first.</summary>
    public ImmutableArray<AddressFamily> Families =>
        HasV4 && HasV6 ? [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6] : [HasV4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6];
}

/// <summary>A service over the pods of one workload.</summary>
/// <param name="Port">Its port.</param>
/// <param name="TargetPort">Where its pods listen.</param>
/// <param name="Slot">1 to 89; its place in the services' address range.</param>
internal sealed record ServicePlan(string Namespace, string Workload, int Port, int TargetPort, int Slot)
{
    /// <summary>Its name.</summary>
    public string Name => Workload;

    /// <summary>Its IPv4 address, which only the mesh knows.</summary>
    public IPAddress V4 => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"10.96.0.{10 + Slot}"));

    /// <summary>Its IPv6 address, which only the mesh knows.</summary>
    public IPAddress V6 => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"fd00:96::{10 + Slot}"));

    /// <summary>Its address of a family.</summary>
    public IPAddress Address(AddressFamily family) => family == AddressFamily.InterNetworkV6 ? V6 : V4;
}
