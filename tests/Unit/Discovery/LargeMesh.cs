using System.Net;
using System.Text;
using Ambient.Protocol.Discovery.V1;
using Ambient.Protocol.Model;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Discovery;

/// <summary>
/// A mesh of the size and shape of a large cluster, as it crosses the wire: a hundred pods a node, ten to a deployment and its service,
/// names as Kubernetes makes them, a probe and a policy each.
/// </summary>
internal sealed class LargeMesh(int workloads)
{
    private const int PodsAService = 10, PodsANode = 100, ServicesANamespace = 100;
    private const int PartBytes = 2 << 20;   // as the controller cuts a view (Controller/Snapshots/DeltaEncoder)

    public int Services => workloads / PodsAService;

    public int Nodes => workloads / PodsANode;

    public int Policies => Math.Max(1, Services / ServicesANamespace);

    public MeshSettings Settings { get; } = new()
    {
        PodRanges = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/16")], ServiceRanges = [IPNetwork.Parse("172.16.0.0/12")], DirectAllowed = true,
    };

    public Node Node(int i) => new() { Name = NodeName(i), Addresses = [V4(192, i)], Zone = Zone(i) };

    public AccessPolicy Policy(int i) => new()
    {
        Namespace = $"team-{i:000}", Name = "callers", Rules = [new AccessRule { Identities = [$"spiffe://cluster.local/ns/team-{(i + 1) % Policies:000}/sa/*"] }],
    };

    public Workload Pod(int i, bool dualStack = false)
    {
        int service = i / PodsAService;
        return new Workload
        {
            Uid = Uid(i),
            Namespace = Namespace(service),
            Name = PodName(i),
            ServiceAccount = ServiceName(service),
            WorkloadName = ServiceName(service),
            Node = NodeName(NodeOf(i)),
            Addresses = dualStack ? [V4(10, i), V6(i)] : [V4(10, i)],
            Enrolment = Enrolment.Enrolled,
            Capabilities = [NodeCapabilities.TunnelOnOriginalPort],
            Policies = [ResourceKeys.Policy(Namespace(service), "callers")],
            Probes = [new Probe(8080, ProbeKind.Http, "GET", "/healthz")],
        };
    }

    public Service Service(int i) => new()
    {
        Namespace = Namespace(i), Name = ServiceName(i), Addresses = [V4(172, i)], Ports = [new ServicePort("http", 80, AppProtocol: "http")],
    };

    public Endpoint Endpoint(int i, bool ready = true)
    {
        int service = i / PodsAService;
        return new Endpoint
        {
            WireKey = ResourceKeys.Endpoint(Namespace(service), ServiceName(service), V4(10, i).ToString()),
            ServiceNamespace = Namespace(service),
            ServiceName = ServiceName(service),
            Address = V4(10, i),
            WorkloadUid = Uid(i),
            Ports = [new EndpointPort("http", 8080)],
            Ready = ready,
            Zone = Zone(NodeOf(i)),
            Node = NodeName(NodeOf(i)),
        };
    }

    /// <summary>Its messages as the controller sends them for a first view.</summary>
    public IReadOnlyList<byte[]> Wire(IEnumerable<MeshResource> resources)
    {
        var parts = new List<byte[]>();
        var part = new Delta { Version = 1, Full = true, More = true };
        int bytes = 0;
        foreach (MeshResource resource in resources)
        {
            Protocol.Mesh.V1.Resource written = ResourceWriter.Write(resource);
            bytes += written.CalculateSize() + 4;
            part.Upserts.Add(written);
            if (bytes < PartBytes)
                continue;
            parts.Add(part.ToByteArray());
            (part, bytes) = (new Delta { Version = 1, Full = true, More = true }, 0);
        }
        part.More = false;
        parts.Add(part.ToByteArray());
        return parts;
    }

    public IEnumerable<MeshResource> All(bool dualStack = false) =>
        Enumerable.Range(0, Nodes).Select<int, MeshResource>(Node).Concat(Enumerable.Range(0, Policies).Select(Policy)).Concat(Pods(dualStack))
            .Concat(Enumerable.Range(0, Services).Select(Service)).Concat(Endpoints()).Append(Settings);

    public IEnumerable<MeshResource> Pods(bool dualStack = false) => Enumerable.Range(0, workloads).Select(i => Pod(i, dualStack));

    public IEnumerable<MeshResource> Endpoints() => Enumerable.Range(0, workloads).Select(i => Endpoint(i));

    // A deployment's pods stand on different nodes.
    private int NodeOf(int i) => i * 7919 % Nodes;

    private static string Uid(int i) => new Guid(i, 0x5ca1, 0x4ab1, 0xa, 1, 2, 3, 4, 5, 6, 7).ToString();

    private static string NodeName(int i) => $"ip-10-{i >> 8}-{i & 255}.eu-central-1.compute.internal";

    private static string Zone(int i) => $"eu-central-1{"abc"[i % 3]}";

    private static string Namespace(int service) => $"team-{service / ServicesANamespace:000}";

    private static string ServiceName(int service) => $"service-{service}";

    private static string PodName(int i) => new StringBuilder(ServiceName(i / PodsAService)).Append('-').Append($"{(uint)(i / PodsAService * 2654435761u):x8}").Append("xq").Append('-').Append($"{i % 100_000:x5}").ToString();

    private static IPAddress V4(byte first, int i) => new([first, (byte)(i >> 16), (byte)(i >> 8), (byte)i]);

    private static IPAddress V6(int i) => new([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (byte)(i >> 16), (byte)(i >> 8), (byte)i]);
}
