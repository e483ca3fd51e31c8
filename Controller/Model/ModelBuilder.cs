using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Controller.Sources.Policies;
using Ambient.Protocol.Mesh.V1;

namespace Ambient.Controller.Model;

/// <summary>
/// Makes the model of the mesh out of what a source published. The same objects in the same order give the same model;
/// where two objects contradict each other the one that the source names first wins, and a warning names both.
/// </summary>
/// <remarks>
/// Every round walks over all objects, which is some hundred nanoseconds an object, but makes anew only what is made of something
/// that changed: all else is the very object of the last round, by which <see cref="Snapshots.ViewComposer"/> and the orders pass
/// it over. What the source holds on to (an unchanged file's objects) is therefore compared by reference. Owned by one thread.
/// </remarks>
/// <param name="defaultTrustDomain">Used where no MeshConfig names one.</param>
internal sealed class ModelBuilder(string defaultTrustDomain)
{
    internal const string EnrolLabel = "ambient.mesh/enroll";
    internal const string NetnsAnnotation = "ambient.mesh/netns";
    private const int DefaultDrainSeconds = 30;

    private readonly PodBuilder _pods = new();
    private readonly RoundMemo<ServiceObject, Addresses, PlacedService> _services = new();
    private readonly EndpointBuilder _endpoints = new();
    private Dictionary<string, PodSurroundings> _surroundings = [];
    private MeshSettings? _settings;
    private NodeMap _nodes = new([]);
    private ImmutableArray<string> _enrolledNamespaces = [];

    internal MeshModel Build(SourceSnapshot source)
    {
        var warnings = new SortedSet<string>(StringComparer.Ordinal);
        var objects = WithoutDuplicates(source.Objects, warnings);
        var settings = BuildSettings(objects, source.UnknownKinds, warnings);
        var namespaces = objects.OfType<NamespaceObject>().ToDictionary(n => n.Name);

        var access = new AccessPolicyBuilder(source.Objects, warnings.Add);

        var taken = new Dictionary<IPAddress, SourceObject>();
        var pods = PlacePods(objects, settings, namespaces, access, source.IsStandalone, taken, warnings);
        var services = PlaceServices(objects, taken, warnings);
        _nodes = _nodes.Next(objects.OfType<NodeObject>().Select(n => (n, OwnAddresses(n, n.Addresses, isShared: false, taken, warnings))));
        var endpoints = _endpoints.Build(pods, _nodes, services, [.. objects.OfType<EndpointSliceObject>()], warnings);

        var told = new Dictionary<string, MeshPod>(pods.Count);
        foreach (var pod in pods.Select(p => p.Told).OfType<MeshPod>())
            told.Add(pod.Uid, pod);
        return new MeshModel(settings, told,
            [settings.ToResource(), .. services.Select(s => s.Told).OfType<Resource>(), .. endpoints,
                .. _nodes.Resources.Concat(access.Resources).Where(r => Sendable.Check(r, warnings))],
            EnrolledNamespaces(namespaces), [.. warnings]);
    }

    private List<PlacedPod> PlacePods(List<SourceObject> objects, MeshSettings settings, Dictionary<string, NamespaceObject> namespaces,
        AccessPolicyBuilder access, bool isStandalone, Dictionary<IPAddress, SourceObject> taken, SortedSet<string> warnings)
    {
        var policies = objects.OfType<PodPolicyObject>().OrderBy(p => p.Name, StringComparer.Ordinal).ToLookup(p => p.Namespace);
        var surroundings = new Dictionary<string, PodSurroundings>();
        var placed = new List<PlacedPod>();
        foreach (var pod in UniquePods(objects, warnings))
        {
            var one = _pods.Place(pod, OwnAddresses(pod, pod.Addresses, pod.HostNetwork, taken, warnings), SurroundingsOf(pod.Namespace));
            warnings.UnionWith(one.Warnings);
            placed.Add(one);
        }
        _pods.EndRound();
        _surroundings = surroundings;
        return placed;

        PodSurroundings SurroundingsOf(string ns)
        {
            if (surroundings.TryGetValue(ns, out var known))
                return known;
            var fresh = new PodSurroundings(settings, namespaces.GetValueOrDefault(ns), [.. policies[ns], .. policies[""]], access.SelectionIn(ns), isStandalone);
            var lasting = _surroundings.TryGetValue(ns, out var before) && before.AreThoseOf(fresh) ? before : fresh;
            surroundings.Add(ns, lasting);
            return lasting;
        }
    }

    private List<PlacedService> PlaceServices(List<SourceObject> objects, Dictionary<IPAddress, SourceObject> taken, SortedSet<string> warnings)
    {
        var placed = new List<PlacedService>();
        foreach (var service in objects.OfType<ServiceObject>())
        {
            var own = new Addresses(OwnAddresses(service, service.Addresses, isShared: false, taken, warnings));
            if (!_services.TryGet(service, own, out var one))
                one = _services.Put(service, own, Make(own.Own == service.Addresses ? service : service with { Addresses = own.Own }));
            warnings.UnionWith(one.Warnings);
            placed.Add(one);
        }
        _services.EndRound();
        return placed;

        static PlacedService Make(ServiceObject service)
        {
            var said = new SortedSet<string>(StringComparer.Ordinal);
            var resource = ServiceBuilder.Build(service, said.Add);
            return new PlacedService(service, Sendable.Check(resource, said) ? resource : null, [.. said]);
        }
    }

    private ImmutableArray<string> EnrolledNamespaces(Dictionary<string, NamespaceObject> namespaces)
    {
        ImmutableArray<string> enrolled = [.. namespaces.Values.Where(n => n.Labels.GetValueOrDefault(EnrolLabel) == "true" && PodBuilder.MayEnrol(n.Name)).Select(n => n.Name).Order(StringComparer.Ordinal)];
        return _enrolledNamespaces = enrolled.AsSpan().SequenceEqual(_enrolledNamespaces.AsSpan()) ? _enrolledNamespaces : enrolled;
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

        var settings = new MeshSettings(config?.TrustDomain ?? defaultTrustDomain, config?.PodRanges ?? [], config?.ServiceRanges ?? [],
            config?.IsStrict ?? false ? ProtectionMode.Strict : ProtectionMode.Permissive,
            (config?.DirectAllowed ?? true) && unknownPolicies.Count == 0, config?.DrainSeconds ?? DefaultDrainSeconds)
        {
            TunnelOnOriginalPort = config?.TunnelOnOriginalPort ?? false,
        };
        return _settings = settings == _settings ? _settings : settings;
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
        List<IPAddress>? lost = null;
        foreach (var address in addresses)
        {
            if (taken.TryAdd(address, owner))
                continue;
            (lost ??= []).Add(address);
            warnings.Add($"{owner} loses address {address}: {taken[address]} has it");
        }
        return lost is null ? addresses : addresses.RemoveRange(lost);
    }

    private readonly record struct Addresses(ImmutableArray<IPAddress> Own);
}
