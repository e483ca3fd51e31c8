using System.Net;
using Ambient.NodeProxy.Discovery;
using Ambient.Protocol.Mesh.V1;
using Ambient.Protocol.Model;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Discovery;

/// <summary>Resources of a mesh in few words.</summary>
internal static class MeshWorld
{
    public const string Epoch = "epoch-1";

    public static Resource Pod(
        string uid, string address, string node = "a", Enrolment enrolment = Enrolment.Enrolled, string serviceAccount = "api", bool hostNetwork = false) =>
        ResourceWriter.Write(new Workload
        {
            Uid = uid,
            Namespace = "shop",
            Name = $"pod-{uid}",
            ServiceAccount = serviceAccount,
            Node = node,
            WorkloadName = serviceAccount,
            Addresses = [IPAddress.Parse(address)],
            Enrolment = enrolment,
            HostNetwork = hostNetwork,
        });

    public static Resource ServiceOf(string name, params string[] addresses) => ResourceWriter.Write(new Service
    {
        Namespace = "shop",
        Name = name,
        Addresses = [.. addresses.Select(IPAddress.Parse)],
        Ports = [new("http", 80), new("dns", 53, "UDP")],
    });

    public static Resource EndpointOf(string service, string address, bool ready = true, int weight = 1, string port = "http") => ResourceWriter.Write(new Endpoint
    {
        WireKey = ResourceKeys.Endpoint("shop", service, address),
        ServiceNamespace = "shop",
        ServiceName = service,
        Address = IPAddress.Parse(address),
        Ports = [new(port, 8080)],
        Ready = ready,
        Weight = weight,
    });

    public static Resource Settings(string trustDomain = "cluster.local") => ResourceWriter.Write(new MeshSettings { TrustDomain = trustDomain });

    /// <summary>A delta as it is once it has been read.</summary>
    public static MeshDelta Delta(ulong version, bool isFull, IEnumerable<Resource> upserts, IReadOnlyList<string> removals)
    {
        var read = new List<MeshResource>();
        string? fault = MeshDelta.Read(upserts, new SharedValues(), read);
        return new MeshDelta(Epoch, version, isFull, read, removals, fault);
    }

    public static MeshView View(params Resource[] resources) => After(MeshView.Empty, Delta(1, true, resources, []));

    public static MeshView Upsert(this MeshView view, params Resource[] resources) => After(view, Delta(view.Version + 1, false, resources, []));

    public static MeshView Remove(this MeshView view, params string[] keys) => After(view, Delta(view.Version + 1, false, [], keys));

    public static MeshView After(MeshView view, MeshDelta delta) =>
        view.TryApply(delta, out MeshView? next, out string? reason) ? next : throw new InvalidOperationException(reason);

    /// <summary>All content of a view as text, in a fixed order: two views are equal if this is.</summary>
    public static string Content(MeshView view) =>
        string.Join('\n', view.Resources().Select(resource => JsonFormatter.Default.Format(ResourceWriter.Write(resource))).Order(StringComparer.Ordinal));
}
