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
            Mode = workload.Mode switch
            {
                ProtectionMode.Strict => Mesh.V1.ProtectionMode.Strict,
                ProtectionMode.Permissive => Mesh.V1.ProtectionMode.Permissive,
            },
            DirectForbiddenReason = workload.DirectForbiddenReason ?? "",
            HostNetwork = workload.HostNetwork,
        };
        foreach (IPAddress address in workload.Addresses)
            written.Addresses.Add(Bytes(address));
        foreach (string capability in workload.Capabilities)
            written.Capabilities.Add(capability);
        return written;
    }

    private static ServiceResource WriteService(Service service)
    {
        var written = new ServiceResource { Namespace = service.Namespace, Name = service.Name, Headless = service.Headless };
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
