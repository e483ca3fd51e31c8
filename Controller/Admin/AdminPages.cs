using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Ambient.Controller.Admin;

// The JSON of the admin pages. `ambientctl status` reads it: a field may be added, never renamed.

/// <param name="Epoch">Versions are comparable within one epoch only.</param>
internal sealed record NodesPage(string Epoch, ulong Version, ImmutableArray<NodePage> Nodes)
{
    /// <summary>Who answers; null where there is one controller only.</summary>
    public ReplicaPage? Replica { get; init; }

    /// <summary>Names the page that follows; null for the last.</summary>
    public string? Continue { get; init; }
}

/// <param name="IsWriter">It holds the Lease, and writes status and trust bundles.</param>
internal sealed record ReplicaPage(string Name, bool IsWriter);

/// <param name="AckedVersion">The view that the node serves by.</param>
/// <param name="Lag">How many versions it is behind; null while it is not connected here.</param>
/// <param name="UnackedSeconds">How long an ack has been out; null if none is. Of a node at another replica: null until it takes longer than 5 s.</param>
/// <param name="LastNack">Why it refused the newest view that it refused; null if it has accepted one since.</param>
internal sealed record NodePage(string Name, bool Connected, string? Peer, string? Software, string? BootId, DateTimeOffset? ConnectedSince,
    ulong? AckedVersion, ulong? Lag, double? UnackedSeconds, string? LastNack, string? CertificateProblem, ulong OrderVersion,
    ImmutableArray<string> Capabilities, ImmutableArray<NodePodPage> Pods)
{
    /// <summary>The replica that holds its stream, or held it last; null where there is one controller only.</summary>
    public string? Replica { get; init; }

    /// <summary>Within which its acked version is comparable.</summary>
    public string? Epoch { get; init; }

    /// <summary>What its canary shows; null until it has said.</summary>
    public NodeHealthPage? Health { get; init; }
}

/// <param name="State">ready, degraded, or unknown where no canary proves it.</param>
/// <param name="Reason">A word like ServiceAddressHidden; empty if ready.</param>
internal sealed record NodeHealthPage(string State, string Reason, string Detail);

/// <param name="State">none, enrolling, enrolled or withdrawing.</param>
/// <param name="Phase">What the node reported last, in lower case; unspecified for nothing yet.</param>
internal sealed record NodePodPage(string Uid, string Namespace, string Name, string State, string Phase, string Reason, uint ConnectionsFromBefore);

internal sealed record WorkloadsPage(ulong Version, ImmutableArray<WorkloadPage> Workloads)
{
    /// <summary>How many pods are not enrolled although labels ask for it, by the reason; of all that were asked for, not of this page alone.</summary>
    public ImmutableArray<LeftOutPage> LeftOut { get; init; } = [];

    /// <inheritdoc cref="NodesPage.Continue"/>
    public string? Continue { get; init; }
}

internal sealed record LeftOutPage(string Reason, int Pods);

/// <param name="Reason">What its node says of its capture, or why it is not enrolled although labels ask for it.</param>
internal sealed record WorkloadPage(string Uid, string Namespace, string Name, string WorkloadName, string ServiceAccount, string Node,
    ImmutableArray<string> Addresses, bool HostNetwork, string State, string Mode, string Identity, string DirectForbiddenReason,
    string Phase, string Reason)
{
    /// <summary>Ports with another mode, as their annotation has them: <c>8080=STRICT</c>.</summary>
    public ImmutableArray<string> PortModes { get; init; } = [];

    /// <summary>Keys of the AccessPolicies that select it.</summary>
    public ImmutableArray<string> Policies { get; init; } = [];
}

internal sealed record ServicesPage(ulong Version, ImmutableArray<ServicePage> Services)
{
    /// <inheritdoc cref="NodesPage.Continue"/>
    public string? Continue { get; init; }
}

internal sealed record ServicePage(string Namespace, string Name, ImmutableArray<string> Addresses, bool Headless,
    ImmutableArray<ServicePortPage> Ports, ImmutableArray<EndpointPage> Endpoints);

internal sealed record ServicePortPage(string Name, uint Port, string Protocol, string AppProtocol);

internal sealed record EndpointPage(string Address, string WorkloadUid, bool Ready, string Zone, ImmutableArray<EndpointPortPage> Ports);

internal sealed record EndpointPortPage(string Name, uint Port);

/// <param name="Error">Why there is no answer; null if there is one.</param>
internal sealed record NodeStatusPage(string Node, string? Error, ulong? ViewVersion, uint? CapturedPods, uint? OpenConnections);

/// <param name="Error">Why there is no answer.</param>
internal sealed record FaultPage(string Error);

internal sealed record WarningsPage(ImmutableArray<string> Faults, ImmutableArray<string> Warnings, ImmutableArray<string> IgnoredKinds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(NodesPage))]
[JsonSerializable(typeof(WorkloadsPage))]
[JsonSerializable(typeof(ServicesPage))]
[JsonSerializable(typeof(NodeStatusPage))]
[JsonSerializable(typeof(WarningsPage))]
[JsonSerializable(typeof(FaultPage))]
internal sealed partial class AdminJson : JsonSerializerContext;
