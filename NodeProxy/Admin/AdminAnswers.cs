namespace Ambient.NodeProxy.Admin;

/// <summary>The answer of <c>/status</c>.</summary>
internal sealed record StatusAnswer(
    string Node,
    string Software,
    int ProcessId,
    bool Ready,
    IReadOnlyList<Readiness> Readiness,
    ControllerStanding Controller,
    ViewStanding View,
    int PodsCaptured,
    int OpenConnections,
    IReadOnlyList<CertificateStanding> Certificates);

internal sealed record ControllerStanding(bool Connected, string LastFailure);

internal sealed record ViewStanding(string Epoch, ulong Version, double? AgeSeconds, int Workloads, int Services, int ContestedAddresses);

/// <summary>What is told of a certificate: whose, and from when to when.</summary>
internal sealed record CertificateStanding(string Identity, long Generation, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

/// <summary>The answer of <c>/config</c>.</summary>
internal sealed record ConfigAnswer(
    IReadOnlyDictionary<string, string> Settings,
    MeshStanding Mesh,
    IReadOnlyList<WorkloadStanding> Workloads,
    IReadOnlyList<ServiceStanding> Services);

internal sealed record MeshStanding(
    string TrustDomain, IReadOnlyList<string> PodRanges, IReadOnlyList<string> ServiceRanges, bool DirectAllowed, double DrainSeconds);

internal sealed record WorkloadStanding(
    string Uid,
    string Namespace,
    string Name,
    string Workload,
    string Identity,
    string Node,
    IReadOnlyList<string> Addresses,
    string Enrolment,
    string Mode,
    string? DirectForbiddenReason,
    bool HostNetwork);

internal sealed record ServiceStanding(string Namespace, string Name, IReadOnlyList<string> Addresses, bool Headless, int Endpoints, IReadOnlyList<PortStanding> Ports);

internal sealed record PortStanding(string Name, int Port, string Protocol, int ReadyEndpoints);

/// <summary>The answer of <c>/connections</c>.</summary>
internal sealed record ConnectionsAnswer(int Limit, IReadOnlyList<ConnectionListing> Connections);

/// <summary>The answer of <c>/ready</c>.</summary>
internal sealed record ReadyAnswer(bool Ready, IReadOnlyList<Readiness> Readiness);
