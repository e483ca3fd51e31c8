using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>Makes the resource that nodes are told of a service.</summary>
internal static class ServiceBuilder
{
    /// <param name="warn">Told of a preference that this version does not know.</param>
    internal static Resource Build(ServiceObject service, Func<string, bool> warn) => new()
    {
        Key = $"service/{service.Namespace}/{service.Name}",
        Service = new ServiceResource
        {
            Namespace = service.Namespace,
            Name = service.Name,
            Addresses = { service.Addresses.Select(a => ByteString.CopyFrom(a.GetAddressBytes())) },
            Headless = service.IsHeadless,
            Ports =
            {
                service.Ports.Select(p => new ServicePort
                {
                    Name = p.Name,
                    Port = (uint)p.Port,
                    Protocol = p.Protocol,
                    AppProtocol = p.AppProtocol,
                }),
            },
            ClientAffinitySeconds = (uint)service.Traffic.ClientAffinitySeconds,
            Distribution = DistributionOf(service, warn),
        },
    };

    private static TrafficDistribution DistributionOf(ServiceObject service, Func<string, bool> warn)
    {
        // A policy, not a wish: it wins, as it does in kube-proxy.
        if (service.Traffic.IsNodeLocal)
            return TrafficDistribution.SameNodeOnly;
        switch (service.Traffic.Distribution)
        {
            case "":
                return TrafficDistribution.Anywhere;
            case "PreferClose" or "PreferSameZone":
                return TrafficDistribution.SameZoneFirst;
            case "PreferSameNode":
                return TrafficDistribution.SameNodeFirst;
            default:
                // The API calls it a hint, and any endpoint is a right one.
                warn($"{service}: trafficDistribution {service.Traffic.Distribution} is not known here: its clients are sent to all endpoints alike");
                return TrafficDistribution.Anywhere;
        }
    }
}
