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
    private readonly Dictionary<IPAddress, PodObject> _podsByAddress = [];
    private readonly Func<string, bool> _warn;

    /// <param name="warn">Told of references that lead nowhere.</param>
    internal EndpointBuilder(List<PodObject> pods, Func<string, bool> warn)
    {
        _warn = warn;
        _podsByNamespace = pods.ToLookup(p => p.Namespace);
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
            var endpoints = new Dictionary<IPAddress, EndpointResource>();
            var own = slicesByService[(service.Namespace, service.Name)].ToList();
            if (own.Count > 0)
                own.ForEach(slice => AddSlice(slice, endpoints));
            else if (service.Selector is { Count: > 0 } selector)
                AddSelected(service, new LabelSelector(selector, []), endpoints);

            foreach (var (address, endpoint) in endpoints)
                yield return new Resource { Key = $"endpoint/{service.Namespace}/{service.Name}/{address}", Endpoint = endpoint };
        }
    }

    private void AddSlice(EndpointSliceObject slice, Dictionary<IPAddress, EndpointResource> endpoints)
    {
        foreach (var endpoint in slice.Endpoints)
        {
            foreach (var address in endpoint.Addresses)
            {
                if (!endpoints.TryGetValue(address, out var resource))
                {
                    endpoints.Add(address, resource = NewEndpoint(slice.Namespace, slice.Service, address, endpoint.IsReady));
                    resource.WorkloadUid = PodOf(slice, endpoint, address)?.Uid ?? "";
                    resource.Zone = endpoint.Zone;
                }
                resource.Ready |= endpoint.IsReady;
                foreach (var port in slice.Ports.Where(p => resource.Ports.All(known => known.Name != p.Name)))
                    resource.Ports.Add(new EndpointPort { Name = port.Name, Port = (uint)port.Port });
            }
        }
    }

    private PodObject? PodOf(EndpointSliceObject slice, SliceEndpoint endpoint, IPAddress address)
    {
        if (endpoint.Pod.Length == 0)
            return _podsByAddress.GetValueOrDefault(address);
        var pod = _podsByNamespace[slice.Namespace].FirstOrDefault(p => p.Name == endpoint.Pod);
        if (pod is null || !pod.Addresses.Contains(address))
        {
            // Sending to the address is right all the same; expecting the identity of a pod that may not be there is not.
            _warn($"{slice} names pod {slice.Namespace}/{endpoint.Pod} at {address}, "
                + (pod is null ? "which is not there" : $"but {pod} has another address") + ": only the address counts");
            return _podsByAddress.GetValueOrDefault(address);
        }
        return pod;
    }

    private void AddSelected(ServiceObject service, LabelSelector selector, Dictionary<IPAddress, EndpointResource> endpoints)
    {
        foreach (var pod in _podsByNamespace[service.Namespace].Where(p => selector.Selects(p.Labels)))
        {
            foreach (var address in pod.Addresses.Where(a => pod.HostNetwork || ReferenceEquals(_podsByAddress.GetValueOrDefault(a), pod)))
            {
                var resource = NewEndpoint(service.Namespace, service.Name, address, pod.IsReady && !pod.IsTerminating);
                if (!endpoints.TryAdd(address, resource))
                    continue;
                resource.WorkloadUid = pod.Uid;
                foreach (var port in service.Ports)
                {
                    var target = port.TargetPort > 0 ? port.TargetPort : pod.NamedPorts.GetValueOrDefault(port.TargetName);
                    if (target > 0)
                        resource.Ports.Add(new EndpointPort { Name = port.Name, Port = (uint)target });
                    else
                        _warn($"{service} targets port {port.TargetName}, which {pod} does not name: it is no endpoint of that port");
                }
            }
        }
    }

    private static EndpointResource NewEndpoint(string ns, string service, IPAddress address, bool ready) => new()
    {
        ServiceNamespace = ns,
        ServiceName = service,
        Address = ByteString.CopyFrom(address.GetAddressBytes()),
        Ready = ready,
    };
}
