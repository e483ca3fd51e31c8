using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Ambient.Controller.Sources.Yaml;

/// <summary>Makes source objects of YAML documents that have the form of Kubernetes objects.</summary>
/// <param name="origin">The file, for places and messages.</param>
internal sealed class ObjectReader(string origin)
{
    private readonly ImmutableArray<SourceObject>.Builder _objects = ImmutableArray.CreateBuilder<SourceObject>();
    private readonly SortedSet<string> _unknownKinds = new(StringComparer.Ordinal);

    internal ImmutableArray<SourceObject> Objects => _objects.ToImmutable();

    internal IReadOnlyCollection<string> UnknownKinds => _unknownKinds;

    /// <exception cref="YamlFaultException">The document is no object, or a field that we need has another form.</exception>
    internal void Read(YamlNode document)
    {
        var fields = Fields.Of(document, "");
        var kind = fields.Text("kind");
        var group = fields.Text("apiVersion").Split('/') is [var g, _] ? g : "";
        switch (group, kind)
        {
            case (_, ""):
                throw fields.Expected("kind", "the kind of an object");
            case ("", "List"):
                foreach (var item in fields.Items("items"))
                    Read(item);
                break;
            case ("", "Namespace"):
                _objects.Add(ReadNamespace(fields));
                break;
            case ("", "Pod"):
                _objects.Add(ReadPod(fields));
                break;
            case ("", "Service"):
                if (fields.Object("spec").Text("type") != "ExternalName") // a DNS alias: no address of its own
                    _objects.Add(ReadService(fields));
                break;
            case ("", "Node"):
                _objects.Add(NodeReader.Read(fields, PlaceOf(fields)));
                break;
            case ("discovery.k8s.io", "EndpointSlice"):
                if (ReadSlice(fields) is { } slice)
                    _objects.Add(slice);
                break;
            case ("networking.k8s.io", "NetworkPolicy"):
                _objects.Add(ReadNetworkPolicy(fields));
                break;
            // Without its apiVersion too: the reader finds that fault, and a policy with a fault denies. Passed over it would deny nothing.
            case ("ambient.mesh" or "", "AccessPolicy"):
                _objects.Add(AccessPolicyReader.Read(fields, PlaceOf(fields)));
                break;
            case ("ambient.mesh", "MeshConfig"):
                _objects.Add(MeshConfigReader.Read(fields, PlaceOf(fields)));
                break;
            default:
                _unknownKinds.Add(group.Length > 0 ? $"{group}/{kind}" : kind);
                break;
        }
    }

    private NamespaceObject ReadNamespace(Fields fields)
    {
        var metadata = fields.Object("metadata");
        return new NamespaceObject(metadata.Name("name", absent: null), metadata.Map("labels"),
            metadata.Map("annotations", isAnnotations: true), PlaceOf(fields));
    }

    private PodObject ReadPod(Fields fields)
    {
        var metadata = fields.Object("metadata");
        var spec = fields.Object("spec");
        var status = fields.Object("status");
        var name = metadata.Name("name", absent: null);
        var ns = metadata.Name("namespace", "default");
        var labels = metadata.Map("labels");

        var addresses = status.Objects("podIPs").Select(ip => ip.Address("ip")).Append(status.Address("podIP"))
            .OfType<IPAddress>().Distinct().ToImmutableArray();
        var containers = ContainerParts.Read(spec);
        var ready = status.Objects("conditions").Where(c => c.Text("type") == "Ready").Select(c => c.Text("status")).FirstOrDefault();

        return new PodObject(ns, name, metadata.Name("uid", UidOf(ns, name)), labels, metadata.Map("annotations", isAnnotations: true),
            spec.Has("nodeName") ? spec.Name("nodeName", null) : "", spec.Name("serviceAccountName", "default"),
            spec.Flag("hostNetwork") ?? false, addresses, IsFinished: status.Text("phase") is "Succeeded" or "Failed",
            IsReady: ready is null or "True", WorkloadNameOf(metadata, labels, name), containers.NamedPorts, PlaceOf(fields))
        {
            IsTerminating = metadata.Has("deletionTimestamp"),
            Probes = containers.Probes,
        };
    }

    private ServiceObject ReadService(Fields fields)
    {
        var metadata = fields.Object("metadata");
        var spec = fields.Object("spec");
        var headless = spec.Text("clusterIP") == "None" || spec.Texts("clusterIPs").Contains("None");
        var addresses = headless
            ? []
            : spec.Addresses("clusterIPs").Append(spec.Address("clusterIP")).OfType<IPAddress>().Distinct().ToImmutableArray();
        var ports = spec.Objects("ports").Select(port =>
        {
            var number = port.Number("port", 1, 65535) ?? throw port.Expected("port", "a number from 1 to 65535");
            var target = port.Text("targetPort");
            var targetNumber = target.Length == 0 ? number
                : target.All(char.IsAsciiDigit) ? port.Number("targetPort", 1, 65535)!.Value : 0;   // 9p-http is a name
            return new ServicePortObject(port.Text("name"), number, targetNumber, targetNumber == 0 ? target : "",
                port.Text("protocol", "TCP"), port.Text("appProtocol"));
        }).ToImmutableArray();
        return new ServiceObject(metadata.Name("namespace", "default"), metadata.Name("name", null), addresses, headless, ports,
            spec.Has("selector") ? spec.Map("selector") : null, PlaceOf(fields))
        {
            Traffic = ServiceTrafficReader.Read(spec),
        };
    }

    // Null for one that no service owns: whoever makes a slice for something else leaves the label out, and it is nobody's fault
    // (Kubernetes documentation, "EndpointSlices", Ownership).
    private EndpointSliceObject? ReadSlice(Fields fields)
    {
        var metadata = fields.Object("metadata");
        if (!metadata.Map("labels").TryGetValue("kubernetes.io/service-name", out var service) || service.Length == 0)
            return null;
        var endpoints = fields.Text("addressType") == "FQDN"
            ? []
            : fields.Objects("endpoints").Select(endpoint =>
            {
                var target = endpoint.Object("targetRef");
                var conditions = endpoint.Object("conditions");
                var topology = endpoint.Object("topology"); // of v1beta1, which says it there
                // Absent conditions as the API reads them: ready, and serving what it is ready for.
                var ready = conditions.Flag("ready") ?? true;
                return new SliceEndpoint(endpoint.Addresses("addresses"), ready, target.Text("kind") == "Pod" ? target.Text("name") : "", endpoint.Text("zone", topology.Text("topology.kubernetes.io/zone")))
                {
                    IsServing = conditions.Flag("serving") ?? ready,
                    IsTerminating = conditions.Flag("terminating") ?? false,
                    Node = endpoint.Text("nodeName", topology.Text("kubernetes.io/hostname")),
                };
            }).ToImmutableArray();
        // The API server looks at no port's number, and nobody can listen on one beyond: the other ports of the slice are none the worse for it.
        // Absent, all ports are meant, which no connection by a service asks for.
        var ports = fields.Objects("ports")
            .Where(port => port.Text("protocol", "TCP") == "TCP")
            .Select(port => new SlicePort(port.Text("name"), port.Number("port", int.MinValue, int.MaxValue) ?? 0))
            .Where(port => port.Port is >= 1 and <= 65535).ToImmutableArray();
        return new EndpointSliceObject(metadata.Name("namespace", "default"), metadata.Name("name", null), service, endpoints, ports, PlaceOf(fields));
    }

    private NetworkPolicyObject ReadNetworkPolicy(Fields fields)
    {
        var metadata = fields.Object("metadata");
        return new NetworkPolicyObject(metadata.Name("namespace", "default"), metadata.Name("name", null),
            LabelSelectorReader.Read(fields.Object("spec").Object("podSelector")), PlaceOf(fields));
    }

    private SourcePlace PlaceOf(Fields fields) => new(origin, fields.Line);

    // A file written by hand has no uid. One made of the name keeps the pod the same over restarts of the controller.
    private static string UidOf(string ns, string name) =>
        new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{ns}/{name}")).AsSpan(0, 16), bigEndian: true).ToString();

    private static string WorkloadNameOf(Fields metadata, FrozenDictionary<string, string> labels, string podName)
    {
        var owner = metadata.Objects("ownerReferences").OrderByDescending(o => o.Flag("controller") ?? false).FirstOrDefault();
        var name = owner.Text("name");
        if (name.Length == 0)
            return podName;
        // A Deployment owns its pods through a ReplicaSet that is called after it and the hash of the template.
        return owner.Text("kind") == "ReplicaSet" && labels.TryGetValue("pod-template-hash", out var hash) && name.EndsWith($"-{hash}", StringComparison.Ordinal)
            ? name[..^(hash.Length + 1)]
            : name;
    }
}
