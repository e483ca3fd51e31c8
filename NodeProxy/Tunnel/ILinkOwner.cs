using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>Who holds a link.</summary>
internal interface ILinkOwner
{
    /// <summary>A peer asks for a stream (server side only). Headers are valid during the call.</summary>
    void OnRequest(Link link, TunnelStream stream, HeaderList headers);

    /// <summary>The link is not to be used for new streams any more; streams on it go on.</summary>
    void OnDraining(Link link);

    /// <summary>A stream ended and there is room for another.</summary>
    void OnCapacity(Link link);

    /// <summary>The peer broke a rule on one stream: it was refused before it became one, or reset. The link goes on.</summary>
    void OnFault(Link link, RefusalReason reason, string detail);

    /// <summary>The link is closed, and so are its streams.</summary>
    void OnEnded(Link link, string reason);
}
