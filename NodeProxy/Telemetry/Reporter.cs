namespace Ambient.NodeProxy.Telemetry;

/// <summary>Which end of the connection this node counts for. Both ends of one connection count it with the same labels.</summary>
public enum Reporter
{
    /// <summary>The client's node.</summary>
    Source,

    /// <summary>The server's node.</summary>
    Destination,
}
