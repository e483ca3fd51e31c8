using System.Net;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Protocol.Model;

/// <summary>Writes resources as the wire has them: the inverse of <see cref="ResourceReader"/>.</summary>
public static class ResourceWriter
{
    /// <summary>The resource as a message of its own.</summary>
    public static Resource Write(MeshResource resource)
    {
        var written = new Resource { Key = resource.Key };
        switch (resource)
        {
            case Workload workload:
                written.Workload = WriteWorkload(workload);
                break;
            case Service service:
                written.Service = WriteService(service);
                break;
            case Endpoint endpoint:
                written.Endpoint = WriteEndpoint(endpoint);
                break;
            case MeshSettings settings:
                written.Settings = WriteSettings(settings);
                break;
            case Node node:
                written.Node = new NodeResource { Name = node.Name, Addresses = { node.Addresses.Select(Bytes) }, Zone = node.Zone };
                break;
            case AccessPolicy policy:
                written.Policy = WritePolicy(policy);
                break;
            default:
                throw new ArgumentException($"no wire form for {resource.GetType().Name}", nameof(resource));
        }
        return written;
    }

    private static WorkloadResource WriteWorkload(Workload workload)
    {
        var written = new WorkloadResource
        {
            Uid = workload.Uid,
            Namespace = workload.Namespace,
            Name = workload.Name,
            ServiceAccount = workload.ServiceAccount,
            Node = workload.Node,
            WorkloadName = workload.WorkloadName,
            Enrolment = workload.Enrolment switch
            {
                Enrolment.None => EnrolmentState.None,
                Enrolment.Enrolling => EnrolmentState.Enrolling,
                Enrolment.Enrolled => EnrolmentState.Enrolled,
                Enrolment.Withdrawing => EnrolmentState.Withdrawing,
            },
            Mode = WriteMode(workload.Mode),
            PortModes = { workload.PortModes.Select(mode => new Mesh.V1.PortMode { Port = (uint)mode.Port, Mode = WriteMode(mode.Mode) }) },
            ExcludedInboundPorts = { workload.ExcludedInboundPorts.Select(port => (uint)port) },
            Policies = { workload.Policies },
            Probes = { workload.Probes.Select(WriteProbe) },
            DirectForbiddenReason = workload.DirectForbiddenReason ?? "",
            HostNetwork = workload.HostNetwork,
            Terminating = workload.IsTerminating,
        };
        foreach (IPAddress address in workload.Addresses)
            written.Addresses.Add(Bytes(address));
        foreach (string capability in workload.Capabilities)
            written.Capabilities.Add(capability);
        return written;
    }

    private static Mesh.V1.ProtectionMode WriteMode(ProtectionMode mode) => mode switch
    {
        ProtectionMode.Strict => Mesh.V1.ProtectionMode.Strict,
        ProtectionMode.Permissive => Mesh.V1.ProtectionMode.Permissive,
    };

    private static Mesh.V1.Probe WriteProbe(Probe probe)
    {
        var written = new Mesh.V1.Probe { Port = (uint)probe.Port };
        switch (probe.Kind)
        {
            case ProbeKind.Http:
                written.Http = new HttpProbe { Method = probe.Method, Path = probe.Path };
                break;
            case ProbeKind.Tcp:
                written.Tcp = new TcpProbe();
                break;
            case ProbeKind.Grpc:
                written.Grpc = new GrpcProbe { Service = probe.Service };
                break;
            case ProbeKind.Https:
                written.Https = new TlsProbe();
                break;
        }
        return written;
    }

    private static PolicyResource WritePolicy(AccessPolicy policy) => new()
    {
        Namespace = policy.Namespace,
        Name = policy.Name,
        Action = policy.Action switch
        {
            PolicyAction.Allow => Mesh.V1.PolicyAction.Allow,
            PolicyAction.Deny => Mesh.V1.PolicyAction.Deny,
        },
        Unenforceable = policy.Unenforceable ?? "",
        Rules =
        {
            policy.Rules.Select(rule => new PolicyRule
            {
                Identities = { rule.Identities },
                Namespaces = { rule.Namespaces },
                Sources = { rule.Sources.Select(Range) },
                Ports = { rule.Ports.Select(port => (uint)port) },
                NodeAddress = rule.NodeAddress,
                Number = (uint)rule.Number,
            }),
        },
    };

    private static ServiceResource WriteService(Service service)
    {
        var written = new ServiceResource
        {
            Namespace = service.Namespace,
            Name = service.Name,
            Headless = service.Headless,
            ClientAffinitySeconds = (uint)service.ClientAffinity.TotalSeconds,
            Distribution = service.Distribution switch
            {
                TrafficDistribution.Anywhere => Mesh.V1.TrafficDistribution.Anywhere,
                TrafficDistribution.SameZoneFirst => Mesh.V1.TrafficDistribution.SameZoneFirst,
                TrafficDistribution.SameNodeFirst => Mesh.V1.TrafficDistribution.SameNodeFirst,
                TrafficDistribution.SameNodeOnly => Mesh.V1.TrafficDistribution.SameNodeOnly,
            },
        };
        foreach (IPAddress address in service.Addresses)
            written.Addresses.Add(Bytes(address));
        foreach (ServicePort port in service.Ports)
            written.Ports.Add(new Mesh.V1.ServicePort { Name = port.Name, Port = (uint)port.Port, Protocol = port.Protocol, AppProtocol = port.AppProtocol });
        return written;
    }

    private static EndpointResource WriteEndpoint(Endpoint endpoint)
    {
        var written = new EndpointResource
        {
            ServiceNamespace = endpoint.ServiceNamespace,
            ServiceName = endpoint.ServiceName,
            Address = Bytes(endpoint.Address),
            WorkloadUid = endpoint.WorkloadUid ?? "",
            Ready = endpoint.Ready,
            Zone = endpoint.Zone,
            Node = endpoint.Node,
            Weight = (uint)endpoint.Weight,
        };
        foreach (EndpointPort port in endpoint.Ports)
            written.Ports.Add(new Mesh.V1.EndpointPort { Name = port.Name, Port = (uint)port.Port });
        return written;
    }

    private static SettingsResource WriteSettings(MeshSettings settings)
    {
        var written = new SettingsResource
        {
            TrustDomain = settings.TrustDomain,
            DirectAllowed = settings.DirectAllowed,
            DrainSeconds = (uint)settings.Drain.TotalSeconds,
            TunnelOnOriginalPort = settings.TunnelOnOriginalPort,
        };
        foreach (IPNetwork range in settings.PodRanges)
            written.PodRanges.Add(Range(range));
        foreach (IPNetwork range in settings.ServiceRanges)
            written.ServiceRanges.Add(Range(range));
        return written;
    }

    private static AddressRange Range(IPNetwork range) => new() { Address = Bytes(range.BaseAddress), PrefixLength = (uint)range.PrefixLength };

    private static ByteString Bytes(IPAddress address) => ByteString.CopyFrom(address.GetAddressBytes());
}
