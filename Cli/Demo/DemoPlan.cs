using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;

namespace Ambient.Cli.Demo;

/// <summary>Who calls whom in the demo.</summary>
/// <param name="From">The calling pod; null for the host outside the mesh.</param>
/// <param name="To">The service that is called. From outside it is its pods: nobody outside knows a service's address.</param>
/// <param name="Rate">Connections a second.</param>
internal sealed record FlowPlan(PodPlan? From, ServicePlan To, AddressFamily Family, double Rate)
{
    /// <summary>The caller, as the table has it.</summary>
    public string FromName => From is { } pod ? $"{pod.Namespace}/{pod.Workload}" : "outside";

    /// <summary>The called, as the table has it.</summary>
    public string ToName => $"{To.Namespace}/{To.Workload}";

    /// <summary>The calling network.</summary>
    public string Network => From?.Network ?? Topology.Outside;
}

/// <summary>The demo's mesh.</summary>
internal static class DemoPlan
{
    private const int Port = 80, AppPort = 8080;

    /// <summary>Two nodes with three pods each, and a host outside.</summary>
    public static LabPlan Lab { get; } = new()
    {
        Nodes = 2,
        Pods =
        [
            new PodPlan("web", "web", 1, 1), new PodPlan("cache", "cache", 1, 2), new PodPlan("jobs", "jobs", 1, 3),
            new PodPlan("api", "api", 2, 1), new PodPlan("api", "api", 2, 2), new PodPlan("report", "report", 2, 3),
        ],
        Services = [new ServicePlan("api", "api", Port, AppPort, 1), new ServicePlan("cache", "cache", Port, AppPort, 2)],
        HasOutside = true,
        DrainSeconds = 2,
    };

    /// <summary>Where the pods' servers listen.</summary>
    public static int ServerPort => AppPort;

    /// <summary>Who calls whom: between nodes in both directions and over both families, within a node, and from outside.</summary>
    public static ImmutableArray<FlowPlan> Flows(bool hasIpv6) =>
    [
        new FlowPlan(Lab.Pod("web-11"), Lab.Service("api"), AddressFamily.InterNetwork, 100),
        new FlowPlan(Lab.Pod("web-11"), Lab.Service("cache"), AddressFamily.InterNetwork, 100),
        new FlowPlan(Lab.Pod("jobs-13"), Lab.Service("api"), hasIpv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, 50),
        new FlowPlan(Lab.Pod("report-23"), Lab.Service("cache"), AddressFamily.InterNetwork, 50),
        new FlowPlan(null, Lab.Service("api"), AddressFamily.InterNetwork, 5),
    ];

    /// <summary>Pods behind a service.</summary>
    public static IEnumerable<PodPlan> Behind(ServicePlan service) =>
        Lab.Pods.Where(pod => pod.Namespace == service.Namespace && pod.Workload == service.Workload);

    /// <summary>Where a flow goes through the mesh.</summary>
    public static ImmutableArray<IPEndPoint> MeshTargets(FlowPlan flow) => flow.From is null
        ? DirectTargets(flow)
        : [new IPEndPoint(flow.Family == AddressFamily.InterNetwork ? flow.To.V4 : flow.To.V6, flow.To.Port)];

    /// <summary>Where the same flow goes without a mesh: to the pods' own addresses, in turn.</summary>
    public static ImmutableArray<IPEndPoint> DirectTargets(FlowPlan flow) =>
        [.. Behind(flow.To).Select(pod => new IPEndPoint(flow.Family == AddressFamily.InterNetwork ? pod.V4 : pod.V6, flow.To.TargetPort))];

    /// <summary>Whether all of a flow's connections cross from one node to another.</summary>
    public static bool IsCrossNode(FlowPlan flow) => Behind(flow.To).All(pod => pod.Node != (flow.From?.Node ?? 0));
}
