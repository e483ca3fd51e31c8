namespace Ambient.NodeProxy.Engine;

/// <summary>A connection ended abortively while somebody read from it as a pipe.</summary>
internal sealed class ConnectionBrokenException(ConnectionFault fault) : IOException($"the connection broke: {fault}")
{
    /// <summary>Why.</summary>
    public ConnectionFault Fault { get; } = fault;
}
