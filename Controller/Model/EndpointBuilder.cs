using System.Collections.Immutable;
using System.Net;
using Ambient.Controller.Sources;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>
/// Makes the endpoints of a service: from its slices, or, where it has a selector and no slice (a folder of YAML without a cluster),
/// from the pods that the selector finds. Looks at nothing that <see cref="ServiceBook"/> does not watch for it. Owned by one thread.
/// </summary>
/// <param name="zoneOf">The zone of a node; empty if the source does not tell.</param>
internal sealed class EndpointBuilder(PodBook pods, AddressBook addresses, Func<string, string> zoneOf)
{
    private readonly SortedSet<string> _warnings = new(StringComparer.Ordinal);
    private readonly HashSet<(string Namespace, string Name)> _missing = [];
    private bool _needsZones;

    /// <summary>The endpoints that a service has now. One that says what it said is the object that it was.</summary>
    internal Made Make(ServiceSlot slot, ServiceObject service)
    {
        _warnings.Clear();
        _missing.Clear();
        _needsZones = false;
        // One endpoint an address: an address in several slices has the ports of all that say the best of it.
        var drafts = new Dictionary<IPAddress, Draft>();
        foreach (var slice in slot.Slices.Order(SourceOrder.Instance).Cast<EndpointSliceObject>())
            AddSlice(service, slice, drafts);
        if (slot.Selector is { } selector)
            AddSelected(service, pods.In(service.Namespace)?.Selected(selector) ?? [], drafts);

        var readiness = new Readiness(service.Traffic.IsNodeLocal);
        foreach (var draft in drafts.Values)
        {
            draft.Resource.Ready = draft.Use == Use.Ready;
            readiness.Add(draft.Resource, draft.Use == Use.Leaving);
        }
        readiness.Settle();

        var before = slot.Placed?.Endpoints ?? [];
        var known = before.ToDictionary(e => e.Key);
        var groups = before.OfType<ToldEndpoint>().Select(e => e.Group).Distinct().ToList();
        var endpoints = ImmutableArray.CreateBuilder<ToldResource>(drafts.Count);
        foreach (var (address, draft) in drafts)
        {
            var told = new ToldEndpoint(GroupOf(service, draft.Resource, groups), address, draft.Resource);
            if (known.TryGetValue(told.Key, out var old) && old.SaysWhat(told))
                endpoints.Add(old);
            else if (Sendable.Check(new Resource { Key = told.Key.ToString(), Endpoint = draft.Resource }, _warnings))
                endpoints.Add(told);
        }
        slot.NeedsZones = _needsZones;
        return new Made(endpoints.DrainToImmutable(), [.. _warnings], [.. _missing]);
    }

    private void AddSlice(ServiceObject service, EndpointSliceObject slice, Dictionary<IPAddress, Draft> endpoints)
    {
        foreach (var endpoint in slice.Endpoints)
        {
            foreach (var address in endpoint.Addresses)
            {
                // Where one slice has it ready and another has not, the latter speaks of another app, or of what was before.
                var use = UseOf(endpoint, service);
                if (!endpoints.TryGetValue(address, out var draft) || use > draft.Use)
                {
                    var pod = PodOf(slice, endpoint, address);
                    var node = endpoint.Node.Length > 0 ? endpoint.Node : pod?.Node ?? "";
                    draft = NewDraft(service, address, pod, node, endpoint.Zone.Length > 0 ? endpoint.Zone : ZoneOf(node));
                    draft.Use = use;
                    endpoints[address] = draft;
                }
                else if (use < draft.Use)
                {
                    continue;
                }
                foreach (var port in slice.Ports)
                {
                    if (draft.Resource.Ports.All(known => known.Name != port.Name))
                        draft.Resource.Ports.Add(new EndpointPort { Name = port.Name, Port = (uint)port.Port });
                }
            }
        }
    }

    private static Use UseOf(SliceEndpoint endpoint, ServiceObject service) =>
        endpoint.IsReady || service.Traffic.PublishesNotReady ? Use.Ready
        : endpoint.IsServing && endpoint.IsTerminating ? Use.Leaving
        : Use.None;

    private PodObject? PodOf(EndpointSliceObject slice, SliceEndpoint endpoint, IPAddress address)
    {
        if (endpoint.Pod.Length == 0)
            return addresses.PodAt(address);
        var pod = pods.Named(slice.Namespace, endpoint.Pod);
        if (pod is null || !pod.Addresses.Contains(address))
        {
            // Sending to the address is right all the same; expecting the identity of a pod that may not be there is not.
            _missing.Add((slice.Namespace, endpoint.Pod));
            _warnings.Add($"{slice} names pod {slice.Namespace}/{endpoint.Pod} at {address}, "
                + (pod is null ? "which is not there" : $"but {pod} has another address") + ": only the address counts");
            return addresses.PodAt(address);
        }
        return pod;
    }

    private void AddSelected(ServiceObject service, IEnumerable<PlacedPod> selected, Dictionary<IPAddress, Draft> endpoints)
    {
        foreach (var placed in selected)
        {
            var pod = placed.Pod;
            foreach (var address in placed.Addresses)
            {
                var draft = NewDraft(service, address, pod, pod.Node, ZoneOf(pod.Node));
                if (!endpoints.TryAdd(address, draft))
                    continue;
                draft.Use = (pod.IsReady && !pod.IsTerminating) || service.Traffic.PublishesNotReady ? Use.Ready
                    : pod.IsReady ? Use.Leaving : Use.None;
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

    private static EndpointGroup GroupOf(ServiceObject service, EndpointResource endpoint, List<EndpointGroup> groups)
    {
        foreach (var known in groups)
        {
            if (known.Ports.Length == endpoint.Ports.Count && known.Ports.Zip(endpoint.Ports).All(both => both.First == (both.Second.Name, both.Second.Port)))
                return known;
        }
        groups.Add(new EndpointGroup(service.Namespace, service.Name, [.. endpoint.Ports.Select(port => (port.Name, port.Port))]));
        return groups[^1];
    }

    private string ZoneOf(string node)
    {
        _needsZones |= node.Length > 0;
        return zoneOf(node);
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

    /// <param name="Missing">Pods that slices name and that are not there, or not at that address.</param>
    internal sealed record Made(ImmutableArray<ToldResource> Endpoints, ImmutableArray<string> Warnings, ImmutableArray<(string Namespace, string Name)> Missing);

    private sealed class Draft(EndpointResource resource)
    {
        internal EndpointResource Resource { get; } = resource;

        internal Use Use { get; set; }
    }

    /// <summary>What an endpoint is good for, the better the higher. One that is leaving serves where no other does.</summary>
    private enum Use { None, Leaving, Ready }
}
