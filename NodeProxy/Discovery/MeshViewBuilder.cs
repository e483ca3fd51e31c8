using System.Collections.Immutable;
using System.Net;
using Ambient.Protocol.Model;
using Google.Protobuf;

namespace Ambient.NodeProxy.Discovery;

/// <summary>Collects the changes that make a view's successor. Belongs to one thread.</summary>
internal sealed class MeshViewBuilder(MeshView from)
{
    private readonly PersistentMap<string, Workload>.Builder _workloads = from.WorkloadMap.ToBuilder();
    private readonly AddressIndex<Workload>.Builder _byAddress = from.AddressMap.ToBuilder(static (a, b) => a.Uid == b.Uid, Precedence);
    private readonly PersistentMap<string, ImmutableArray<Workload>>.Builder _byNode = from.NodeMap.ToBuilder();
    private readonly Dictionary<string, ImmutableArray<Workload>.Builder> _podsOfNodes = [];
    private readonly List<Endpoint> _endpoints = [];
    private readonly PersistentMap<string, ServiceSlot>.Builder _services = from.ServiceMap.ToBuilder();
    private readonly Dictionary<string, ServiceSlot.Builder> _slots = [];
    private readonly AddressIndex<ServiceView>.Builder _servicesByAddress = from.ServiceAddressMap.ToBuilder(
        static (a, b) => a.FullName == b.FullName,
        static (a, b) => string.CompareOrdinal(a.FullName, b.FullName));
    private readonly PersistentMap<string, Node>.Builder _nodes = from.NodeByName.ToBuilder();
    private readonly AddressIndex<Node>.Builder _nodesByAddress = from.NodeAddressMap.ToBuilder(
        static (a, b) => a.Name == b.Name,
        static (a, b) => string.CompareOrdinal(a.Name, b.Name));
    private readonly PersistentMap<string, AccessPolicy>.Builder _policies = from.PolicyMap.ToBuilder();
    private MeshSettings _settings = from.Settings;

    public void Put(MeshResource resource)
    {
        switch (resource)
        {
            case Workload workload:
                PutWorkload(workload);
                break;
            case Service service:
                SlotOf(service.FullName).Service = service;
                break;
            case Endpoint endpoint:
                _endpoints.Add(endpoint);
                break;
            case Node node:
                PutNode(node);
                break;
            case AccessPolicy policy:
                _policies.Put(policy.Key, policy);
                break;
            case MeshSettings settings:
                _settings = settings;
                break;
            default:
                throw new ArgumentException($"the view has no place for {resource.GetType().Name}", nameof(resource));
        }
    }

    /// <summary>Takes a resource away. A key that is not there, of whatever kind, changes nothing.</summary>
    public void Remove(string key)
    {
        if (key.StartsWith(ResourceKeys.WorkloadPrefix, StringComparison.Ordinal))
        {
            if (_workloads.TryGetValue(key[ResourceKeys.WorkloadPrefix.Length..], out Workload? workload))
                RemoveWorkload(workload);
        }
        else if (key.StartsWith(ResourceKeys.ServicePrefix, StringComparison.Ordinal))
        {
            string name = key[ResourceKeys.ServicePrefix.Length..];
            if (IsKnown(name))
                SlotOf(name).Service = null;
        }
        else if (key.StartsWith(ResourceKeys.EndpointPrefix, StringComparison.Ordinal))
        {
            // endpoint/NAMESPACE/SERVICE/...: the service's name ends at the second slash after the prefix.
            int first = key.IndexOf('/', ResourceKeys.EndpointPrefix.Length);
            int second = first < 0 ? -1 : key.IndexOf('/', first + 1);
            if (second > 0 && key[ResourceKeys.EndpointPrefix.Length..second] is var name && IsKnown(name))
                SlotOf(name).Remove(key);
        }
        else if (key.StartsWith(ResourceKeys.NodePrefix, StringComparison.Ordinal))
        {
            if (_nodes.TryGetValue(key[ResourceKeys.NodePrefix.Length..], out Node? node))
                RemoveNode(node);
        }
        else if (key.StartsWith(ResourceKeys.PolicyPrefix, StringComparison.Ordinal))
        {
            _policies.Remove(key);
        }
        else if (key == ResourceKeys.Settings)
        {
            _settings = MeshSettings.Default;
        }
    }

    public MeshView ToView(string epoch, ulong version, ByteString fingerprint)
    {
        // Only now: a pod that is new in this delta is known, and its endpoints can be made of its objects.
        foreach (Endpoint endpoint in _endpoints)
            PutEndpoint(endpoint);
        foreach ((string node, ImmutableArray<Workload>.Builder pods) in _podsOfNodes)
        {
            if (pods.Count > 0)
                _byNode.Put(node, pods.DrainToImmutable());   // without a copy where nothing was added
            else
                _byNode.Remove(node);
        }
        foreach ((string name, ServiceSlot.Builder builder) in _slots)
            CloseSlot(name, builder.ToSlot());
        return new MeshView(
            epoch, version, fingerprint, _settings, _workloads.ToMap(), _byAddress.ToIndex(), _byNode.ToMap(), _services.ToMap(), _servicesByAddress.ToIndex(),
            _nodes.ToMap(), _nodesByAddress.ToIndex(), _policies.ToMap());
    }

    // The further a claimant is enrolled, the earlier it is found; see the remarks of MeshView.
    private static int Precedence(Workload a, Workload b)
    {
        int byEnrolment = Rank(b.Enrolment).CompareTo(Rank(a.Enrolment));
        return byEnrolment != 0 ? byEnrolment : string.CompareOrdinal(a.Uid, b.Uid);
    }

    private static int Rank(Enrolment enrolment) => enrolment switch
    {
        Enrolment.None => 0,
        Enrolment.Withdrawing => 1,
        Enrolment.Enrolling => 2,
        Enrolment.Enrolled => 3,
    };

    private void PutNode(Node node)
    {
        if (_nodes.TryGetValue(node.Name, out Node? before))
            RemoveNode(before);
        _nodes.Put(node.Name, node);
        foreach (IPAddress address in node.Addresses)
            _nodesByAddress.Put(address, node);
    }

    private void RemoveNode(Node node)
    {
        _nodes.Remove(node.Name);
        foreach (IPAddress address in node.Addresses)
            _nodesByAddress.Remove(address, node);
    }

    private void PutWorkload(Workload workload)
    {
        if (_workloads.TryGetValue(workload.Uid, out Workload? before))
        {
            workload = workload.Sharing(before);
            RemoveTraces(before, workload);
        }
        _workloads.Put(workload.Uid, workload);
        ImmutableArray<Workload>.Builder pods = PodsOf(workload.Node);
        if (before is not null && before.Node == workload.Node)
            pods[PlaceOf(before, pods)] = workload;
        else
            pods.Add(workload);
        if (workload.HostNetwork)
            return;
        foreach (IPAddress address in workload.Addresses)
            _byAddress.Put(address, workload);
    }

    private void RemoveWorkload(Workload workload)
    {
        RemoveTraces(workload, null);
        _workloads.Remove(workload.Uid);
    }

    // Takes away what the successor does not overwrite by itself.
    private void RemoveTraces(Workload before, Workload? after)
    {
        if (after is null || after.Node != before.Node)
            RemovePod(before, PodsOf(before.Node));
        if (before.HostNetwork)
            return;
        foreach (IPAddress address in before.Addresses)
        {
            if (after is null || after.HostNetwork || !after.Addresses.Contains(address))
                _byAddress.Remove(address, before);
        }
    }

    private static int PlaceOf(Workload pod, ImmutableArray<Workload>.Builder pods)
    {
        int place = 0;
        while (!ReferenceEquals(pods[place], pod))
            place++;
        return place;
    }

    private static void RemovePod(Workload pod, ImmutableArray<Workload>.Builder pods)
    {
        pods[PlaceOf(pod, pods)] = pods[^1];
        pods.RemoveAt(pods.Count - 1);
    }

    private void PutEndpoint(Endpoint endpoint)
    {
        if (endpoint.WorkloadUid is not null && _workloads.TryGetValue(endpoint.WorkloadUid, out Workload? pod))
        {
            int own = pod.Addresses.IndexOf(endpoint.Address);
            endpoint = endpoint with { WorkloadUid = pod.Uid, Address = own < 0 ? endpoint.Address : pod.Addresses[own] };
        }
        SlotOf(MeshView.ServiceName(endpoint.ServiceNamespace, endpoint.ServiceName)).Put(endpoint);
    }

    private void CloseSlot(string name, ServiceSlot slot)
    {
        if (_services.TryGetValue(name, out ServiceSlot? before) && before.View is { } old)
        {
            foreach (IPAddress address in old.Service.Addresses)
            {
                if (slot.View is null || !slot.View.Service.Addresses.Contains(address))
                    _servicesByAddress.Remove(address, old);
            }
        }
        if (slot.View is { } view)
        {
            foreach (IPAddress address in view.Service.Addresses)
                _servicesByAddress.Put(address, view);
        }
        if (slot.IsEmpty)
            _services.Remove(name);
        else
            _services.Put(name, slot);
    }

    private bool IsKnown(string serviceName) => _slots.ContainsKey(serviceName) || _services.TryGetValue(serviceName, out _);

    private ImmutableArray<Workload>.Builder PodsOf(string node)
    {
        if (!_podsOfNodes.TryGetValue(node, out ImmutableArray<Workload>.Builder? pods))
        {
            pods = _byNode.TryGetValue(node, out ImmutableArray<Workload> before) ? before.ToBuilder() : ImmutableArray.CreateBuilder<Workload>();
            _podsOfNodes.Add(node, pods);
        }
        return pods;
    }

    private ServiceSlot.Builder SlotOf(string serviceName)
    {
        if (!_slots.TryGetValue(serviceName, out ServiceSlot.Builder? builder))
        {
            builder = new ServiceSlot.Builder(_services.TryGetValue(serviceName, out ServiceSlot? slot) ? slot : ServiceSlot.Empty);
            _slots.Add(serviceName, builder);
        }
        return builder;
    }
}
