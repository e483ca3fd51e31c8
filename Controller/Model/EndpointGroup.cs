using System.Collections.Immutable;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;
using ResourceKeys = Ambient.Protocol.Model.ResourceKeys;

namespace Ambient.Controller.Model;

/// <summary>What the endpoints of a service that listen on the same ports have in common. Equal if its content is.</summary>
/// <param name="Service">The service's name.</param>
internal sealed record EndpointGroup(string Namespace, string Service, ImmutableArray<(string Name, uint Port)> Ports)
{
    private readonly byte[] _serviceBytes = new EndpointResource { ServiceNamespace = Namespace, ServiceName = Service }.ToByteArray();
    private readonly byte[] _portBytes = new EndpointResource { Ports = { Ports.Select(port => new EndpointPort { Name = port.Name, Port = port.Port }) } }.ToByteArray();

    /// <summary>The key of each of them, without its address.</summary>
    internal string Path { get; } = ResourceKeys.Endpoint(Namespace, Service, "");

    /// <summary>The fields of the service, encoded.</summary>
    internal ReadOnlySpan<byte> ServiceBytes => _serviceBytes;

    /// <summary>The field of the ports, encoded.</summary>
    internal ReadOnlySpan<byte> PortBytes => _portBytes;

    public bool Equals(EndpointGroup? other) => ReferenceEquals(this, other)
        || (other is not null && Namespace == other.Namespace && Service == other.Service && Ports.AsSpan().SequenceEqual(other.Ports.AsSpan()));

    public override int GetHashCode() => HashCode.Combine(Namespace, Service, Ports.Length);
}
