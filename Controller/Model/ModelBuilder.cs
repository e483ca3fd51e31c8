using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using ResourceReader = Ambient.Protocol.Model.ResourceReader;

namespace Ambient.Controller.Model;

/// <summary>
/// Makes the model of the mesh out of what a source published. The same objects in the same order give the same model;
/// where two objects contradict each other the one that the source names first wins, and a warning names both.
/// </summary>
/// <param name="defaultTrustDomain">Used where no MeshConfig names one.</param>
internal sealed class ModelBuilder(string defaultTrustDomain)
{
    internal const string EnrolLabel = "ambient.mesh/enroll";
    internal const string NetnsAnnotation = "ambient.mesh/netns";
    private const int DefaultDrainSeconds = 30;

    // Capturing these could cut the very parts that capture, and the cluster's own with them.
    private static readonly FrozenSet<string> NeverEnrolled = FrozenSet.Create("kube-system", "ambient-system");

    internal MeshModel Build(SourceSnapshot source)
    {
        var warnings = new SortedSet<string>(StringComparer.Ordinal);
        var objects = WithoutDuplicates(source.Objects, warnings);
        var settings = BuildSettings(objects, source.UnknownKinds, warnings);
        var namespaces = objects.OfType<NamespaceObject>().ToDictionary(n => n.Name);
        var policies = objects.OfType<NetworkPolicyObject>().OrderBy(p => p.Name, StringComparer.Ordinal).ToLookup(p => p.Namespace);

        var access = new AccessPolicyBuilder(source.Objects, warnings.Add);

        var podObjects = UniquePods(objects, warnings);
        var taken = new Dictionary<IPAddress, SourceObject>();
        var pods = podObjects.Select(pod => BuildPod(pod, OwnAddresses(pod, pod.Addresses, pod.HostNetwork, taken, warnings))).ToList();

        pods.RemoveAll(p => !IsSendable(p.ToResource(EnrolmentState.None, []), warnings));

        var services = objects.OfType<ServiceObject>()
            .Select(s => s with { Addresses = OwnAddresses(s, s.Addresses, isShared: false, taken, warnings) }).ToList();
        var nodes = new NodeMap(objects.OfType<NodeObject>()
            .Select(n => n with { Addresses = OwnAddresses(n, n.Addresses, isShared: false, taken, warnings) }));
        var endpoints = new EndpointBuilder(podObjects, nodes, warnings.Add).Build(services, [.. objects.OfType<EndpointSliceObject>()]);

        return new MeshModel(settings, pods.ToFrozenDictionary(p => p.Uid),
            [settings.ToResource(), .. services.Select(s => ServiceBuilder.Build(s, warnings.Add)).Concat(endpoints).Concat(nodes.Resources).Concat(access.Resources).Where(r => IsSendable(r, warnings))],
            [.. namespaces.Values.Where(n => n.Labels.GetValueOrDefault(EnrolLabel) == "true" && !NeverEnrolled.Contains(n.Name)).Select(n => n.Name)
                .Concat(pods.Where(p => p.WantsEnrolment).Select(p => p.Namespace)).Distinct().Order(StringComparer.Ordinal)],
            [.. warnings]);

        MeshPod BuildPod(PodObject pod, ImmutableArray<IPAddress> addresses)
        {
            if (!namespaces.TryGetValue(pod.Namespace, out var ns))
                warnings.Add($"{pod} is in namespace {pod.Namespace}, which the source does not hold: it counts as one without labels");
            var modes = ProtectionModes.Of(pod, ns, settings.Mode, warnings.Add);
            return new MeshPod(pod.Uid, pod.Namespace, pod.Name, pod.ServiceAccount, pod.Node, addresses, pod.HostNetwork,
                WantsEnrolment(pod, ns, addresses, warnings), modes.Mode,
                policies[pod.Namespace].FirstOrDefault(p => p.Pods.Selects(pod.Labels)) is { } policy
                    ? $"NetworkPolicy {policy.Namespace}/{policy.Name} selects this pod"
                    : "",
                pod.WorkloadName,
                source.IsStandalone ? pod.Annotations.GetValueOrDefault(NetnsAnnotation, "") : "",
                CaptureExclusions.Read(pod.Annotations, ns?.Annotations, fault => warnings.Add($"{pod}: {fault}")))
            {
                Probes = pod.Probes,
                IsTerminating = pod.IsTerminating,
                Policies = access.KeysOf(pod.Namespace, pod.Labels),
                PortModes = modes.Ports,
            };
        }
    }

    private MeshSettings BuildSettings(List<SourceObject> objects, ImmutableArray<string> unknownKinds, SortedSet<string> warnings)
    {
        var configs = objects.OfType<MeshConfigObject>().ToList();
        foreach (var other in configs.Skip(1))
            warnings.Add($"{other} is ignored: {configs[0]} is the mesh's settings");
        var config = configs.FirstOrDefault();

        // Traffic inside a node bypasses whatever such a policy would do to packets, and we cannot tell what that is.
        var unknownPolicies = unknownKinds.Where(k => k.EndsWith("NetworkPolicy", StringComparison.Ordinal)).ToList();
        foreach (var kind in unknownPolicies)
            warnings.Add($"kind {kind} is a policy that is not understood: no traffic stays inside a node (direct is off)");

        return new MeshSettings(config?.TrustDomain ?? defaultTrustDomain, config?.PodRanges ?? [], config?.ServiceRanges ?? [],
            config?.IsStrict ?? false ? ProtectionMode.Strict : ProtectionMode.Permissive,
            (config?.DirectAllowed ?? true) && unknownPolicies.Count == 0, config?.DrainSeconds ?? DefaultDrainSeconds)
        {
            TunnelOnOriginalPort = config?.TunnelOnOriginalPort ?? false,
        };
    }

    private static List<SourceObject> WithoutDuplicates(ImmutableArray<SourceObject> all, SortedSet<string> warnings)
    {
        var first = new Dictionary<(string, string, string), SourceObject>();
        foreach (var item in all.Where(o => o is not AccessPolicyObject)) // which of two would count is no matter of order there
        {
            if (!first.TryAdd(item.Identity, item))
                warnings.Add($"{item} is ignored: {first[item.Identity]} has the same name");
        }
        return [.. first.Values];
    }

    private static List<PodObject> UniquePods(List<SourceObject> objects, SortedSet<string> warnings)
    {
        var byUid = new Dictionary<string, PodObject>();
        // A finished pod has given its address back, and another one may have it already.
        foreach (var pod in objects.OfType<PodObject>().Where(p => !p.IsFinished))
        {
            if (!byUid.TryAdd(pod.Uid, pod))
                warnings.Add($"{pod} is ignored: {byUid[pod.Uid]} has the same uid {pod.Uid}");
        }
        return [.. byUid.Values];
    }

    private static ImmutableArray<IPAddress> OwnAddresses(SourceObject owner, ImmutableArray<IPAddress> addresses, bool isShared,
        Dictionary<IPAddress, SourceObject> taken, SortedSet<string> warnings)
    {
        if (isShared) // the node's own address, which every host-network pod of it has
            return addresses;
        return [.. addresses.Where(address =>
        {
            if (taken.TryAdd(address, owner))
                return true;
            warnings.Add($"{owner} loses address {address}: {taken[address]} has it");
            return false;
        })];
    }

    private static bool WantsEnrolment(PodObject pod, NamespaceObject? ns, ImmutableArray<IPAddress> addresses, SortedSet<string> warnings)
    {
        var wants = Wish(pod, pod.Labels) ?? (ns is not null && (Wish(ns, ns.Labels) ?? false));
        if (wants && NeverEnrolled.Contains(pod.Namespace))
            warnings.Add($"{pod} is not enrolled: namespace {pod.Namespace} never is");
        return wants && !pod.HostNetwork && pod.Node.Length > 0 && !addresses.IsEmpty && !NeverEnrolled.Contains(pod.Namespace);

        bool? Wish(SourceObject owner, FrozenDictionary<string, string> labels)
        {
            switch (labels.GetValueOrDefault(EnrolLabel))
            {
                case null: return null;
                case "true": return true;
                case "false": return false;
                case var other:
                    warnings.Add($"{owner}: expected label {EnrolLabel} to be true or false, found {other}: it counts as absent");
                    return null;
            }
        }
    }

    // A node refuses a whole view for one resource that it cannot use; nobody but us can name the object that is to blame.
    private static bool IsSendable(Resource resource, SortedSet<string> warnings)
    {
        if (ResourceReader.TryRead(resource, out _, out var reason))
            return true;
        warnings.Add($"{reason}: nodes are not told of it");
        return false;
    }
}
