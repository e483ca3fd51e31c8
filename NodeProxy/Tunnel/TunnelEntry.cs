namespace Ambient.NodeProxy.Tunnel;

/// <summary>Where a tunnel to a pod begins: it decides what TLS has to agree on.</summary>
internal enum TunnelEntry
{
    /// <summary>Port 15008, which speaks nothing else. Other meshes' proxies dial it too.</summary>
    TunnelPort,

    /// <summary>The app's own port, so that who filters between the pods sees the port that the app is known by.</summary>
    OriginalPort,
}

/// <summary>The protocol names (ALPN, RFC 7301) of the entries.</summary>
internal static class TunnelEntries
{
    /// <summary>What a ClientHello on an app's port has to offer to be taken for a tunnel. No app selects it, whereas one that speaks TLS gladly selects <c>h2</c>.</summary>
    public const string OriginalPortProtocol = "ambient-hbone/1";

    private const string TunnelPortProtocol = "h2";

    /// <summary>The only name that is offered, and the only one that is accepted, at an entry.</summary>
    public static string ProtocolOf(TunnelEntry entry) => entry switch
    {
        TunnelEntry.TunnelPort => TunnelPortProtocol,
        TunnelEntry.OriginalPort => OriginalPortProtocol,
    };
}
