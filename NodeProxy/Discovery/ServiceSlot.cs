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
    private ServiceSlot(Service? service, PersistentMap<string, Endpoint> endpoints, ImmutableArray<PortEndpoints> ports, bool isByPlace)
    {
        (Endpoints, Ports, IsByPlace) = (endpoints, ports, isByPlace);
        View = service is null ? null : new ServiceView(service, endpoints, ports);
    }

    public static ServiceSlot Empty { get; } = new(null, PersistentMap<string, Endpoint>.Empty, [], false);

    public ServiceView? View { get; }

    public PersistentMap<string, Endpoint> Endpoints { get; }

    public ImmutableArray<PortEndpoints> Ports { get; }

    /// <summary>The ready endpoints are kept by zone and by node as well.</summary>
    public bool IsByPlace { get; }

    public bool IsEmpty => View is null && Endpoints.Count == 0;

    /// <summary>Collects the changes of one delta to one service.</summary>
    internal sealed class Builder(ServiceSlot from)
    {
        private readonly PersistentMap<string, Endpoint>.Builder _endpoints = from.Endpoints.ToBuilder();
        private readonly List<(string Name, PlacedEndpoints.Builder V4, PlacedEndpoints.Builder V6)> _ports =
            [.. from.Ports.Select(port => (port.Name, port.V4.ToBuilder(from.IsByPlace), port.V6.ToBuilder(from.IsByPlace)))];
        private bool _isByPlace = from.IsByPlace;
        private Service? _service = from.View?.Service;

        public Service? Service
        {
            get => _service;
            set
            {
                _service = value;
                // Zones and nodes are kept apart only where somebody asks for them. A service whose wish changes, or that arrives
                // after its endpoints, has its sets made anew, once.
                bool isByPlace = value is not null && value.Distribution != TrafficDistribution.Anywhere;
                if (value is null || isByPlace == _isByPlace)
                    return;
                _isByPlace = isByPlace;
                _ports.Clear();
                foreach (KeyValuePair<string, Endpoint> endpoint in _endpoints.ToMap())
                    PutReady(endpoint.Value);
            }
        }

        public void Put(Endpoint endpoint)
        {
            RemoveReady(endpoint.Key);
            _endpoints.Put(endpoint.Key, endpoint);
            PutReady(endpoint);
        }

        public void Remove(string key)
        {
            RemoveReady(key);
            _endpoints.Remove(key);
        }

        public ServiceSlot ToSlot()
        {
            var ports = ImmutableArray.CreateBuilder<PortEndpoints>(_ports.Count);
            foreach ((string name, PlacedEndpoints.Builder v4, PlacedEndpoints.Builder v6) in _ports)
            {
                var port = new PortEndpoints(name, v4.ToPlaced(), v6.ToPlaced());
                if (port.V4.All.Count + port.V6.All.Count > 0)
                    ports.Add(port);
            }
            return new ServiceSlot(Service, _endpoints.ToMap(), ports.DrainToImmutable(), _isByPlace);
        }

        private void PutReady(Endpoint endpoint)
        {
            if (!endpoint.Ready)
                return;
            foreach (EndpointPort port in endpoint.Ports)
            {
                SetOf(port.Name, endpoint.Address.AddressFamily).Put(new ReadyEndpoint(endpoint, port.Port));
            }
        }

        private void RemoveReady(string key)
        {
            if (!_endpoints.TryGetValue(key, out Endpoint? before) || !before.Ready)
                return;
            foreach (EndpointPort port in before.Ports)
                SetOf(port.Name, before.Address.AddressFamily).Remove(key, before.Zone, before.Node);
        }

        private PlacedEndpoints.Builder SetOf(string portName, AddressFamily family)
        {
            int index = _ports.FindIndex(port => port.Name == portName);
            if (index < 0)
            {
                index = _ports.Count;
                _ports.Add((portName, PlacedEndpoints.Empty.ToBuilder(_isByPlace), PlacedEndpoints.Empty.ToBuilder(_isByPlace)));
            }
            return family == AddressFamily.InterNetworkV6 ? _ports[index].V6 : _ports[index].V4;
        }
    }
}
