namespace Ambient.NodeProxy.Tunnel;

/// <summary>What the first bytes of a connection say about a protocol.</summary>
internal enum ClientHelloVerdict
{
    /// <summary>They may become a ClientHello that offers it: more bytes decide.</summary>
    Undecided,

    /// <summary>A complete ClientHello offers it.</summary>
    Offered,

    /// <summary>They are no ClientHello, or one that does not offer it, and no byte that follows changes that.</summary>
    NotOffered,
}
