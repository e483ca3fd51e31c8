namespace Ambient.Protocol.Model;

/// <summary>What a pod does with plaintext on one port.</summary>
/// <param name="Port">1 to 65535.</param>
/// <param name="Mode">In place of the pod's own.</param>
public sealed record PortMode(int Port, ProtectionMode Mode);
