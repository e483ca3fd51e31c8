using System.Collections.Immutable;
using System.Net.Sockets;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// What the view knows under a service's name: the service, its endpoints, or only one of the two, since a delta may bring them in any
/// order. <see cref="View"/> is what readers see, and null until the service itself is there.
/// </summary>
internal sealed class ServiceSlot
{
    private ServiceSlot(Service? service, PersistentMap<string, Endpoint> endpoints, ImmutableArray<PortEndpoints> ports)
    {
        (Endpoints, Ports) = (endpoints, ports);
        View = service is null ? null : new ServiceView(service, endpoints, ports);
    }

    public static ServiceSlot Empty { get; } = new(null, PersistentMap<string, Endpoint>.Empty, []);

    public ServiceView? View { get; }

    public PersistentMap<string, Endpoint> Endpoints { get; }

    public ImmutableArray<PortEndpoints> Ports { get; }

    public bool IsEmpty => View is null && Endpoints.Count == 0;

    /// <summary>Collects the changes of one delta to one service.</summary>
    internal sealed class Builder(ServiceSlot from)
    {
        private readonly PersistentMap<string, Endpoint>.Builder _endpoints = from.Endpoints.ToBuilder();
        private readonly List<(string Name, ReadyEndpointSet.Builder V4, ReadyEndpointSet.Builder V6)> _ports =
            [.. from.Ports.Select(port => (port.Name, port.V4.ToBuilder(), port.V6.ToBuilder()))];

        public Service? Service { get; set; } = from.View?.Service;

        public void Put(Endpoint endpoint)
        {
            RemoveReady(endpoint.Key);
            _endpoints.Put(endpoint.Key, endpoint);
            if (!endpoint.Ready)
                return;
            foreach (EndpointPort port in endpoint.Ports)
            {
                SetOf(port.Name, endpoint.Address.AddressFamily).Put(
                    endpoint.Key,
                    new ReadyEndpoint(endpoint.Address, port.Port, endpoint.WorkloadUid, endpoint.Zone, endpoint.Weight));
            }
        }

        public void Remove(string key)
        {
            RemoveReady(key);
            _endpoints.Remove(key);
        }

        public ServiceSlot ToSlot()
        {
            var ports = ImmutableArray.CreateBuilder<PortEndpoints>(_ports.Count);
            foreach ((string name, ReadyEndpointSet.Builder v4, ReadyEndpointSet.Builder v6) in _ports)
            {
                var port = new PortEndpoints(name, v4.ToSet(), v6.ToSet());
                if (port.V4.Count + port.V6.Count > 0)
                    ports.Add(port);
            }
            return new ServiceSlot(Service, _endpoints.ToMap(), ports.DrainToImmutable());
        }

        private void RemoveReady(string key)
        {
            if (!_endpoints.TryGetValue(key, out Endpoint? before) || !before.Ready)
                return;
            foreach (EndpointPort port in before.Ports)
                SetOf(port.Name, before.Address.AddressFamily).Remove(key);
        }

        private ReadyEndpointSet.Builder SetOf(string portName, AddressFamily family)
        {
            int index = _ports.FindIndex(port => port.Name == portName);
            if (index < 0)
            {
                index = _ports.Count;
                _ports.Add((portName, ReadyEndpointSet.Empty.ToBuilder(), ReadyEndpointSet.Empty.ToBuilder()));
            }
            return family == AddressFamily.InterNetworkV6 ? _ports[index].V6 : _ports[index].V4;
        }
    }
}
