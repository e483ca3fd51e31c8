using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Redirector.V1;
using Google.Protobuf;
using ProbeKind = Ambient.Protocol.Model.ProbeKind;

namespace Ambient.Controller.Model;

/// <summary>A pod as the mesh sees it, apart from how far its enrolment is.</summary>
/// <param name="WantsEnrolment">Labels ask for it, and nothing stands against it.</param>
/// <param name="DirectForbiddenReason">Empty if traffic within its node may stay in the process.</param>
/// <param name="NetnsPath">Path of its network namespace, in standalone mode; else empty.</param>
internal sealed record MeshPod(string Uid, string Namespace, string Name, string ServiceAccount, string Node,
    ImmutableArray<IPAddress> Addresses, bool HostNetwork, bool WantsEnrolment, ProtectionMode Mode, string DirectForbiddenReason,
    string WorkloadName, string NetnsPath, CaptureExclusions Exclusions)
{
    /// <summary>Keys of the policies that select it.</summary>
    internal ImmutableArray<string> Policies { get; init; } = [];

    /// <summary>Why it is not enrolled although labels ask for it; empty if they do not, or nothing stands against it.</summary>
    internal string LeftOutReason { get; init; } = "";

    /// <summary>Ports whose mode is another than <see cref="Mode"/>.</summary>
    internal ImmutableArray<(uint Port, ProtectionMode Mode)> PortModes { get; init; } = [];

    internal string Key => $"workload/{Uid}";

    /// <summary>What its own node may ask of it in plaintext under STRICT.</summary>
    internal ImmutableArray<Protocol.Model.Probe> Probes { get; init; } = [];

    /// <summary>It was told to end, and has not ended yet.</summary>
    internal bool IsTerminating { get; init; }

    /// <summary>What its node's kubelet calls it where that is not its UID: a static pod's hash; else empty.</summary>
    internal string RuntimeUid { get; init; } = "";

    /// <summary>It stays out of the mesh although its namespace is enrolled, and its node's CNI plugin may not know that.</summary>
    internal bool IsLeftAlone { get; init; }

    /// <summary>A label of its own brings it into the mesh, and not its namespace's: its node's CNI plugin has no other way to know that.</summary>
    internal bool IsOptedIn { get; init; }

    /// <summary>The pod as all nodes are told of it.</summary>
    internal Resource ToResource(EnrolmentState state, IEnumerable<string> nodeCapabilities) => new()
    {
        Key = Key,
        Workload = new WorkloadResource
        {
            Uid = Uid,
            Namespace = Namespace,
            Name = Name,
            ServiceAccount = ServiceAccount,
            Node = Node,
            Addresses = { Addresses.Select(ToBytes) },
            Enrolment = state,
            Mode = Mode,
            DirectForbiddenReason = DirectForbiddenReason,
            HostNetwork = HostNetwork,
            Terminating = IsTerminating,
            WorkloadName = WorkloadName,
            Capabilities = { nodeCapabilities },
            Probes = { Probes.Select(ToProbe) },
            Policies = { Policies },
            PortModes = { PortModes.Select(m => new PortMode { Port = m.Port, Mode = m.Mode }) },
        },
    };

    /// <summary>The pod as its own node's Redirector is told of it.</summary>
    /// <param name="excludedInboundPorts">Those that other nodes have been told of.</param>
    internal CapturedPod ToCapturedPod(IEnumerable<uint> excludedInboundPorts) => new()
    {
        Uid = Uid,
        Namespace = Namespace,
        Name = Name,
        Addresses = { Addresses.Select(ToBytes) },
        NetnsPath = NetnsPath,
        RuntimeUid = RuntimeUid,
        ExcludeInboundPorts = { excludedInboundPorts },
        ExcludeOutboundPorts = { Exclusions.OutboundPorts },
        ExcludeOutboundRanges =
        {
            Exclusions.OutboundRanges.Select(r => new ExcludedRange { Address = ToBytes(r.BaseAddress), PrefixLength = (uint)r.PrefixLength }),
        },
    };

    private static Probe ToProbe(Protocol.Model.Probe probe) => probe.Kind switch
    {
        ProbeKind.Http => new Probe { Port = (uint)probe.Port, Http = new HttpProbe { Method = probe.Method, Path = probe.Path } },
        ProbeKind.Tcp => new Probe { Port = (uint)probe.Port, Tcp = new TcpProbe() },
        ProbeKind.Grpc => new Probe { Port = (uint)probe.Port, Grpc = new GrpcProbe { Service = probe.Service } },
        ProbeKind.Https => new Probe { Port = (uint)probe.Port, Https = new TlsProbe() },
    };

    private static ByteString ToBytes(IPAddress address) => ByteString.CopyFrom(address.GetAddressBytes());
}
