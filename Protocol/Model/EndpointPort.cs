namespace Ambient.Protocol.Model;

/// <summary>Where an endpoint listens for one port of its service.</summary>
/// <param name="Name">The service port's name.</param>
/// <param name="Port">1 to 65535.</param>
public sealed record EndpointPort(string Name, int Port);
