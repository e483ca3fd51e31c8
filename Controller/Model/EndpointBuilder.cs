using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>
/// Makes the endpoints of services: from their slices, or, where a service has a selector and no slice (a folder of
/// YAML without a cluster), from the pods that the selector finds.
/// </summary>
internal sealed class EndpointBuilder
{
    private readonly ILookup<string, PodObject> _podsByNamespace;
    private readonly Dictionary<(string Namespace, string Name), PodObject> _podsByName;
    private readonly Dictionary<IPAddress, PodObject> _podsByAddress = [];
    private readonly NodeMap _nodes;
    private readonly Func<string, bool> _warn;

    /// <param name="nodes">Where zones are found.</param>
    /// <param name="warn">Told of references that lead nowhere.</param>
    internal EndpointBuilder(List<PodObject> pods, NodeMap nodes, Func<string, bool> warn)
    {
        _nodes = nodes;
        _warn = warn;
        _podsByNamespace = pods.ToLookup(p => p.Namespace);
        _podsByName = pods.ToDictionary(p => (p.Namespace, p.Name));
        foreach (var pod in pods.Where(p => !p.HostNetwork))
        {
            foreach (var address in pod.Addresses)
                _podsByAddress.TryAdd(address, pod);
        }
    }

    internal IEnumerable<Resource> Build(IReadOnlyCollection<ServiceObject> services, ImmutableArray<EndpointSliceObject> slices)
    {
        var known = services.Select(s => (s.Namespace, s.Name)).ToHashSet();
        foreach (var slice in slices.Where(s => !known.Contains((s.Namespace, s.Service))))
            _warn($"{slice} is ignored: service {slice.Namespace}/{slice.Service}, which it names, is not there");

        var slicesByService = slices.ToLookup(s => (s.Namespace, s.Service));
        foreach (var service in services)
        {
            // One endpoint an address: an address in several slices has the ports of all of them.
            var endpoints = new Dictionary<IPAddress, Draft>();
            var own = slicesByService[(service.Namespace, service.Name)].ToList();
            if (own.Count > 0)
                own.ForEach(slice => AddSlice(service, slice, endpoints));
            else if (service.Selector is { Count: > 0 } selector)
                AddSelected(service, new LabelSelector(selector, []), endpoints);

            var readiness = new Readiness(service.Traffic.IsNodeLocal);
            foreach (var draft in endpoints.Values)
                readiness.Add(draft.Resource, draft.IsLeaving);
            readiness.Settle();
            foreach (var (address, draft) in endpoints)
                yield return new Resource { Key = $"endpoint/{service.Namespace}/{service.Name}/{address}", Endpoint = draft.Resource };
        }
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
            return _podsByAddress.GetValueOrDefault(address);
        var pod = _podsByName.GetValueOrDefault((slice.Namespace, endpoint.Pod));
        if (pod is null || !pod.Addresses.Contains(address))
        {
            // Sending to the address is right all the same; expecting the identity of a pod that may not be there is not.
            _warn($"{slice} names pod {slice.Namespace}/{endpoint.Pod} at {address}, "
                + (pod is null ? "which is not there" : $"but {pod} has another address") + ": only the address counts");
            return _podsByAddress.GetValueOrDefault(address);
        }
        return pod;
    }

    private void AddSelected(ServiceObject service, LabelSelector selector, Dictionary<IPAddress, Draft> endpoints)
    {
        foreach (var pod in _podsByNamespace[service.Namespace].Where(p => selector.Selects(p.Labels)))
        {
            foreach (var address in pod.Addresses.Where(a => pod.HostNetwork || ReferenceEquals(_podsByAddress.GetValueOrDefault(a), pod)))
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
                        _warn($"{service} targets port {port.TargetName}, which {pod} does not name: it is no endpoint of that port");
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
        Weight = pod is null ? 1 : EndpointWeight.Of(pod, _warn),
    });

    private sealed class Draft(EndpointResource resource)
    {
        internal EndpointResource Resource { get; } = resource;

        internal bool IsLeaving { get; set; }
    }
}
