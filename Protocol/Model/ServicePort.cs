namespace Ambient.Protocol.Model;

/// <summary>A port that a service offers.</summary>
/// <param name="Name">Its name, which joins it with the ports of endpoints; empty for a service with one unnamed port.</param>
/// <param name="Port">1 to 65535.</param>
/// <param name="Protocol">TCP, UDP or SCTP.</param>
/// <param name="AppProtocol">What the Service declares to be spoken there; empty if nothing.</param>
public sealed record ServicePort(string Name, int Port, string Protocol = "TCP", string AppProtocol = "");
