using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// A service with the endpoints behind it, as one version of the view has them. Immutable; shares with its predecessor what a delta left
/// alone.
/// </summary>
public sealed class ServiceView
{
    private readonly ImmutableArray<PortEndpoints> _ports;
    private readonly PersistentMap<string, Endpoint> _endpoints;
    private ImmutableArray<ReadyEndpoint>[]? _listed;   // made when first asked for; two threads that both make one make equal ones

    internal ServiceView(Service service, PersistentMap<string, Endpoint> endpoints, ImmutableArray<PortEndpoints> ports) =>
        (Service, FullName, _endpoints, _ports) = (service, service.FullName, endpoints, ports);

    /// <summary>The service.</summary>
    public Service Service { get; }

    /// <summary><c>NAMESPACE/NAME</c>, as displays and metrics show it.</summary>
    public string FullName { get; }

    /// <summary>Every endpoint, ready or not.</summary>
    public IEnumerable<Endpoint> Endpoints => _endpoints.Select(entry => entry.Value);

    /// <summary>How many endpoints it has, ready or not.</summary>
    public int EndpointCount => _endpoints.Count;

    /// <summary>Finds the TCP port that a client dialled.</summary>
    public bool TryFindPort(int port, [NotNullWhen(true)] out ServicePort? found)
    {
        foreach (ServicePort candidate in Service.Ports)
        {
            if (candidate.Port == port && candidate.Protocol == "TCP")
            {
                found = candidate;
                return true;
            }
        }
        found = null;
        return false;
    }

    /// <summary>The ready endpoints of one address family. Constant time, no allocation.</summary>
    public ReadyEndpointSet ReadyEndpoints(ServicePort port, AddressFamily family) => PlacedEndpoints(port, family).All;

    /// <summary>The same with the near ones apart, if the service's <see cref="Service.Distribution"/> asks for any.</summary>
    public PlacedEndpoints PlacedEndpoints(ServicePort port, AddressFamily family)
    {
        foreach (PortEndpoints candidate in _ports)
        {
            if (candidate.Name == port.Name)
                return family == AddressFamily.InterNetworkV6 ? candidate.V6 : candidate.V4;
        }
        return Discovery.PlacedEndpoints.Empty;
    }

    /// <summary>
    /// All ready endpoints of a port, IPv4 first. Listed once a version of the service and then kept: cost and memory of the first call grow
    /// with the service, so the hot path uses the sets by family.
    /// </summary>
    public ImmutableArray<ReadyEndpoint> ReadyEndpoints(ServicePort port)
    {
        ImmutableArray<ReadyEndpoint>[] listed = Volatile.Read(ref _listed) ?? ListAll();
        for (int i = 0; i < _ports.Length; i++)
        {
            if (_ports[i].Name == port.Name)
                return listed[i];
        }
        return [];
    }

    /// <summary>Whether an endpoint is no longer offered for a port, and others are. Looks at all ready ones.</summary>
    public bool HasReplaced(ServicePort port, ReadyEndpoint endpoint)
    {
        ReadyEndpointSet v4 = ReadyEndpoints(port, AddressFamily.InterNetwork), v6 = ReadyEndpoints(port, AddressFamily.InterNetworkV6);
        return v4.Count + v6.Count > 0 && !Holds(endpoint.Address.AddressFamily == AddressFamily.InterNetworkV6 ? v6 : v4, endpoint);
    }

    private static bool Holds(ReadyEndpointSet set, ReadyEndpoint endpoint)
    {
        for (int i = 0; i < set.Count; i++)
        {
            if (set[i].Port == endpoint.Port && set[i].Address.Equals(endpoint.Address))
                return true;
        }
        return false;
    }

    private ImmutableArray<ReadyEndpoint>[] ListAll()
    {
        ImmutableArray<ReadyEndpoint>[] listed = [.. _ports.Select(port => port.ListAll())];
        Volatile.Write(ref _listed, listed);
        return listed;
    }
}
