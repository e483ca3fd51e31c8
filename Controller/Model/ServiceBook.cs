using System.Net;
using Ambient.Controller.Sources;

namespace Ambient.Controller.Model;

/// <summary>
/// The services, and which of them have to be looked at again when a pod or an address changes: so that such a change costs what it
/// concerns. Owned by one thread.
/// </summary>
internal sealed class ServiceBook
{
    private readonly Dictionary<(string Namespace, string Name), ServiceSlot> _slots = [];
    private readonly Dictionary<IPAddress, List<ServiceSlot>> _byAddress = [];          // whose slices have it, once a slice
    private readonly Dictionary<(string Namespace, string Name), HashSet<ServiceSlot>> _byMissing = [];
    private readonly Dictionary<string, HashSet<ServiceSlot>> _selecting = [];           // by namespace, those with a selector
    private readonly HashSet<ServiceSlot> _dirty = [];

    /// <summary>Those that are to be made again.</summary>
    internal IReadOnlyCollection<ServiceSlot> Dirty => _dirty;

    internal void Set(ServiceObject service)
    {
        var slot = SlotOf(service.Namespace, service.Name);
        (slot.Service, slot.IsDirty) = (service, true);
        if (service.Selector is { Count: > 0 })
            SelectingIn(service.Namespace).Add(slot);
        _dirty.Add(slot);
    }

    internal void Remove(ServiceObject service)
    {
        var slot = SlotOf(service.Namespace, service.Name);
        (slot.Service, slot.IsDirty) = (null, true);
        if (_selecting.TryGetValue(service.Namespace, out var selecting) && selecting.Remove(slot) && selecting.Count == 0)
            _selecting.Remove(service.Namespace);
        _dirty.Add(slot);
    }

    internal void Add(EndpointSliceObject slice)
    {
        var slot = SlotOf(slice.Namespace, slice.Service);
        slot.Slices.Add(slice);
        foreach (var address in slice.Endpoints.SelectMany(e => e.Addresses))
        {
            if (!_byAddress.TryGetValue(address, out var slots))
                _byAddress.Add(address, slots = new List<ServiceSlot>(1));
            slots.Add(slot);
        }
        _dirty.Add(slot);
    }

    internal void Remove(EndpointSliceObject slice)
    {
        var slot = SlotOf(slice.Namespace, slice.Service);
        slot.Slices.RemoveAll(other => ReferenceEquals(other, slice));
        foreach (var address in slice.Endpoints.SelectMany(e => e.Addresses))
        {
            var slots = _byAddress[address];
            slots.Remove(slot);
            if (slots.Count == 0)
                _byAddress.Remove(address);
        }
        _dirty.Add(slot);
    }

    /// <summary>The service claims an address that somebody came to have, or no longer has.</summary>
    internal void AddressesChanged(ServiceObject service)
    {
        var slot = SlotOf(service.Namespace, service.Name);
        slot.IsDirty = true;
        _dirty.Add(slot);
    }

    /// <summary>Somebody else has this address, or the pod that has it is another than it was.</summary>
    internal void AddressChanged(IPAddress address)
    {
        foreach (var slot in _byAddress.GetValueOrDefault(address) ?? [])
            _dirty.Add(slot);
    }

    /// <summary>A pod came (null before), went (null now), or is another than it was: services that name it or select it may tell something else.</summary>
    internal void PodChanged(PodObject? was, PodObject? now)
    {
        foreach (var pod in new[] { was, now }.OfType<PodObject>())
        {
            foreach (var slot in _selecting.GetValueOrDefault(pod.Namespace) ?? [])
            {
                if (slot.Selector is { } selector && selector.Selects(pod.Labels))
                    _dirty.Add(slot);
            }
            if (IsSameBehindAddress(was, now))
                continue;
            foreach (var address in pod.Addresses)
                AddressChanged(address);
            foreach (var slot in _byMissing.GetValueOrDefault((pod.Namespace, pod.Name)) ?? [])
                _dirty.Add(slot);
        }
    }

    /// <summary>Whether slices that name a pod, or have its address, tell the same of both.</summary>
    internal static bool IsSameBehindAddress(PodObject? was, PodObject? now) => ReferenceEquals(was, now) || (was is not null && now is not null
        && (was.Uid, was.Namespace, was.Name, was.Node, was.HostNetwork, was.Place) == (now.Uid, now.Namespace, now.Name, now.Node, now.HostNetwork, now.Place)
        && was.Annotations.GetValueOrDefault(EndpointWeight.Annotation) == now.Annotations.GetValueOrDefault(EndpointWeight.Annotation)
        && was.Addresses.AsSpan().SequenceEqual(now.Addresses.AsSpan()));

    /// <summary>The zone of a node is another: rare, so that all are looked at that need any.</summary>
    internal void ZonesChanged() => _dirty.UnionWith(_slots.Values.Where(slot => slot.NeedsZones));

    /// <summary>Notes which pods a service missed when it was made. Done with it.</summary>
    internal void Made(ServiceSlot slot, IEnumerable<(string Namespace, string Name)> missing)
    {
        foreach (var pod in slot.Missing)
        {
            if (_byMissing.TryGetValue(pod, out var slots) && slots.Remove(slot) && slots.Count == 0)
                _byMissing.Remove(pod);
        }
        slot.Missing.Clear();
        slot.Missing.AddRange(missing);
        foreach (var pod in slot.Missing)
        {
            if (!_byMissing.TryGetValue(pod, out var slots))
                _byMissing.Add(pod, slots = []);
            slots.Add(slot);
        }
        slot.IsDirty = false;
        if (slot.IsEmpty)
            _slots.Remove(slot.Key);
    }

    internal void AllMade() => _dirty.Clear();

    private ServiceSlot SlotOf(string ns, string name)
    {
        if (!_slots.TryGetValue((ns, name), out var slot))
            _slots.Add((ns, name), slot = new ServiceSlot(ns, name));
        return slot;
    }

    private HashSet<ServiceSlot> SelectingIn(string ns)
    {
        if (!_selecting.TryGetValue(ns, out var slots))
            _selecting.Add(ns, slots = []);
        return slots;
    }
}
