using System.Net;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Model;

public sealed class ResourceWriterTests
{
    [Fact]
    public void Everything_is_read_as_it_was_written()
    {
        MeshResource[] all =
        [
            new Node { Name = "a", Addresses = [IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1")], Zone = "z1" },
            new AccessPolicy
            {
                Namespace = "shop", Name = "orders", Action = PolicyAction.Deny,
                Rules = [new AccessRule { Identities = ["*"], Namespaces = ["web"], Sources = [IPNetwork.Parse("10.0.0.0/8")], Ports = [80], NodeAddress = true }, new AccessRule()],
            },
            new AccessPolicy { Namespace = "shop", Name = "broken", Unenforceable = "field spec.http is not known" },
            new Service { Namespace = "shop", Name = "api", ClientAffinity = TimeSpan.FromHours(3), Distribution = TrafficDistribution.SameNodeFirst },
            new Endpoint { WireKey = "endpoint/shop/api/10.0.0.1", ServiceNamespace = "shop", ServiceName = "api", Address = IPAddress.Parse("10.0.0.1"), Node = "a", Zone = "z1" },
            new MeshSettings { TrustDomain = "d", TunnelOnOriginalPort = true },
            new Workload
            {
                Uid = "1", Namespace = "shop", Name = "api-1", ServiceAccount = "api", WorkloadName = "api", ExcludedInboundPorts = [22], Policies = ["policy/shop/orders"],
                PortModes = [new PortMode(80, ProtectionMode.Permissive)],
                Probes = [new Probe(80, ProbeKind.Http, Method: "GET", Path: "/live?x=1"), new Probe(81, ProbeKind.Tcp), new Probe(82, ProbeKind.Grpc, Service: "s"), new Probe(83, ProbeKind.Https)],
            },
        ];
        foreach (MeshResource one in all)
        {
            Protocol.Mesh.V1.Resource written = ResourceWriter.Write(one);
            Assert.True(ResourceReader.TryRead(written, out MeshResource? read, out string? reason), reason);
            Assert.Equal(written, ResourceWriter.Write(read));
        }
    }
}
