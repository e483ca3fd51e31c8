using System.Net;
using Ambient.NodeProxy.Discovery;

namespace Ambient.NodeProxy.Balancing;

/// <summary>Where an endpoint listens: what its load is kept under, since that outlives versions of the view.</summary>
internal readonly struct EndpointAddress(IPAddress address, int port) : IEquatable<EndpointAddress>
{
    private readonly AddressKey _address = new(address);
    private readonly int _port = port;

    public bool Equals(EndpointAddress other) => _port == other._port && _address.Equals(other._address);

    public override bool Equals(object? obj) => obj is EndpointAddress other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(_address.GetHashCode(), _port);
}
