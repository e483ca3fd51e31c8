namespace Ambient.NodeProxy.Telemetry;

/// <summary>Who sent to whom beside TCP, and by which protocol. An unknown part is empty and shown as <c>unknown</c>.</summary>
/// <param name="Reporter">On whose node it was counted.</param>
/// <param name="Protocol">A name, or <c>other</c>.</param>
public sealed record NonTcpKey(
    Reporter Reporter, string SourceWorkload, string SourceNamespace, string DestinationWorkload, string DestinationNamespace, string Protocol);
