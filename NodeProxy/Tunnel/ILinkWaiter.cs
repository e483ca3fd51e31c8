using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>Waits for a link with room for a stream.</summary>
internal interface ILinkWaiter
{
    /// <summary>Open a stream on it now.</summary>
    void OnLink(Link link);

    /// <summary>There is none to be had.</summary>
    void OnNoLink(RefusalReason reason, string detail);
}
