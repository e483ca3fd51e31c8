using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>
/// Makes the endpoints of services: from their slices, or, where a service has a selector and no slice (a folder of
/// YAML without a cluster), from the pods that the selector finds. A service's endpoints stay the objects that they were
/// as long as it, its slices, its pods and the nodes do. Owned by one thread.
/// </summary>
internal sealed class EndpointBuilder
{
    private readonly RoundMemo<PlacedService, Inputs, Made> _memo = new();
    private Dictionary<string, NamespacePods> _podsByNamespace = [];
    private PodDirectory _directory = new([]);
    private NodeMap _nodes = new([]);
    private SortedSet<string> _warnings = [];

    /// <param name="nodes">Where zones are found.</param>
    /// <param name="warnings">Told of references that lead nowhere.</param>
    internal IEnumerable<Resource> Build(List<PlacedPod> pods, NodeMap nodes, List<PlacedService> services, ImmutableArray<EndpointSliceObject> slices,
        SortedSet<string> warnings)
    {
        _nodes = nodes;
        _directory = new PodDirectory(pods);
        _podsByNamespace = pods.GroupBy(p => p.Pod.Namespace).ToDictionary(group => group.Key, group =>
        {
            var own = group.ToList();
            return _podsByNamespace.TryGetValue(group.Key, out var before) && before.AreThoseOf(own) ? before : new NamespacePods([.. own]);
        });

        var known = services.Select(s => (s.Service.Namespace, s.Service.Name)).ToHashSet();
        foreach (var slice in slices.Where(s => !known.Contains((s.Namespace, s.Service))))
            warnings.Add($"{slice} is ignored: service {slice.Namespace}/{slice.Service}, which it names, is not there");

        var slicesByService = slices.ToLookup(s => (s.Namespace, s.Service));
        var all = new List<Resource>();
        foreach (var service in services)
        {
            var inputs = InputsOf(service.Service, [.. slicesByService[(service.Service.Namespace, service.Service.Name)]]);
            if (!_memo.TryGet(service, inputs, out var made))
                made = _memo.Put(service, inputs, Make(service.Service, inputs));
            warnings.UnionWith(made.Warnings);
            all.AddRange(made.Endpoints);
        }
        _memo.EndRound();
        return all;
    }

    private Inputs InputsOf(ServiceObject service, ImmutableArray<EndpointSliceObject> slices)
    {
        if (slices.IsEmpty)
        {
            return new Inputs(_nodes, slices, service.Selector is { Count: > 0 } selector
                ? [.. _podsByNamespace.GetValueOrDefault(service.Namespace, NamespacePods.None).Selected(new LabelSelector(selector, []))]
                : []);
        }
        // Whom a slice names, and who has the address: both may come, go or change.
        return new Inputs(_nodes, slices, [.. from slice in slices
                                              from endpoint in slice.Endpoints
                                              from address in endpoint.Addresses
                                              from pod in (PlacedPod?[])[_directory.Named(slice.Namespace, endpoint.Pod), _directory.At(address)]
                                              select pod]);
    }

    private Made Make(ServiceObject service, Inputs inputs)
    {
        _warnings = new SortedSet<string>(StringComparer.Ordinal);
        // One endpoint an address: an address in several slices has the ports of all of them.
        var endpoints = new Dictionary<IPAddress, Draft>();
        foreach (var slice in inputs.Slices)
            AddSlice(service, slice, endpoints);
        if (inputs.Slices.IsEmpty)
            AddSelected(service, inputs.Pods, endpoints);

        var readiness = new Readiness(service.Traffic.IsNodeLocal);
        foreach (var draft in endpoints.Values)
            readiness.Add(draft.Resource, draft.IsLeaving);
        readiness.Settle();
        return new Made([.. endpoints
            .Select(e => new Resource { Key = $"endpoint/{service.Namespace}/{service.Name}/{e.Key}", Endpoint = e.Value.Resource })
            .Where(r => Sendable.Check(r, _warnings))], [.. _warnings]);
    }

    private void AddSlice(ServiceObject service, EndpointSliceObject slice, Dictionary<IPAddress, Draft> endpoints)
    {
        foreach (var endpoint in slice.Endpoints)
        {
            foreach (var address in endpoint.Addresses)
            {
                if (!endpoints.TryGetValue(address, out var draft))
                {
                    var pod = PodOf(slice, endpoint, address);
                    var node = endpoint.Node.Length > 0 ? endpoint.Node : pod?.Node ?? "";
                    draft = NewDraft(service, address, pod, node, endpoint.Zone.Length > 0 ? endpoint.Zone : _nodes.ZoneOf(node));
                    endpoints.Add(address, draft);
                }
                draft.Resource.Ready |= endpoint.IsReady || service.Traffic.PublishesNotReady;
                draft.IsLeaving |= endpoint.IsServing && endpoint.IsTerminating;
                foreach (var port in slice.Ports.Where(p => draft.Resource.Ports.All(known => known.Name != p.Name)))
                    draft.Resource.Ports.Add(new EndpointPort { Name = port.Name, Port = (uint)port.Port });
            }
        }
    }

    private PodObject? PodOf(EndpointSliceObject slice, SliceEndpoint endpoint, IPAddress address)
    {
        if (endpoint.Pod.Length == 0)
            return _directory.At(address)?.Pod;
        var pod = _directory.Named(slice.Namespace, endpoint.Pod)?.Pod;
        if (pod is null || !pod.Addresses.Contains(address))
        {
            // Sending to the address is right all the same; expecting the identity of a pod that may not be there is not.
            _warnings.Add($"{slice} names pod {slice.Namespace}/{endpoint.Pod} at {address}, "
                + (pod is null ? "which is not there" : $"but {pod} has another address") + ": only the address counts");
            return _directory.At(address)?.Pod;
        }
        return pod;
    }

    private void AddSelected(ServiceObject service, ImmutableArray<PlacedPod?> pods, Dictionary<IPAddress, Draft> endpoints)
    {
        foreach (var placed in pods)
        {
            var pod = placed!.Pod;
            foreach (var address in placed.Addresses)
            {
                var draft = NewDraft(service, address, pod, pod.Node, _nodes.ZoneOf(pod.Node));
                if (!endpoints.TryAdd(address, draft))
                    continue;
                draft.Resource.Ready = (pod.IsReady && !pod.IsTerminating) || service.Traffic.PublishesNotReady;
                draft.IsLeaving = pod.IsReady && pod.IsTerminating;
                // A UDP port may have the name and the number of a TCP one; only TCP is carried.
                foreach (var port in service.Ports.Where(p => p.Protocol == "TCP"))
                {
                    var target = port.TargetPort > 0 ? port.TargetPort : pod.NamedPorts.GetValueOrDefault(port.TargetName);
                    if (target > 0)
                        draft.Resource.Ports.Add(new EndpointPort { Name = port.Name, Port = (uint)target });
                    else
                        _warnings.Add($"{service} targets port {port.TargetName}, which {pod} does not name: it is no endpoint of that port");
                }
            }
        }
    }

    private Draft NewDraft(ServiceObject service, IPAddress address, PodObject? pod, string node, string zone) => new(new EndpointResource
    {
        ServiceNamespace = service.Namespace,
        ServiceName = service.Name,
        Address = ByteString.CopyFrom(address.GetAddressBytes()),
        WorkloadUid = pod?.Uid ?? "",
        Node = node,
        Zone = zone,
        Weight = pod is null ? 1 : EndpointWeight.Of(pod, _warnings.Add),
    });

    private sealed class Draft(EndpointResource resource)
    {
        internal EndpointResource Resource { get; } = resource;

        internal bool IsLeaving { get; set; }
    }

    private sealed record Made(ImmutableArray<Resource> Endpoints, ImmutableArray<string> Warnings);

    private readonly record struct Inputs(NodeMap Nodes, ImmutableArray<EndpointSliceObject> Slices, ImmutableArray<PlacedPod?> Pods)
    {
        public bool Equals(Inputs other) => ReferenceEquals(Nodes, other.Nodes)
            && Slices.AsSpan().SequenceEqual(other.Slices.AsSpan(), ReferenceEqualityComparer.Instance)
            && Pods.AsSpan().SequenceEqual(other.Pods.AsSpan(), ReferenceEqualityComparer.Instance);

        public override int GetHashCode() => Pods.Length;
    }
}
