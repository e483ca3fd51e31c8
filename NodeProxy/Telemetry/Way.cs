namespace Ambient.NodeProxy.Telemetry;

/// <summary>How a connection's bytes travel.</summary>
public enum Way
{
    /// <summary>A stream on a link to the destination's pod.</summary>
    Tunnel,

    /// <summary>Inside this process.</summary>
    Direct,

    /// <summary>Plain TCP to an endpoint that is known but not enrolled, or from a peer that is not.</summary>
    Plain,

    /// <summary>Plain TCP to an address outside the mesh.</summary>
    Passthrough,
}
