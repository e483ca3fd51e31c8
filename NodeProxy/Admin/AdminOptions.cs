using System.Net;

namespace Ambient.NodeProxy.Admin;

/// <summary>Where the node tells about itself.</summary>
public sealed record AdminOptions
{
    /// <summary>Where <c>/metrics</c>, <c>/ready</c> and <c>/live</c> are served over TCP; null for nowhere.</summary>
    public IPEndPoint? Address { get; init; } = new(IPAddress.Any, 15020);

    /// <summary>The Unix socket for everything, made with mode 0600; null for none. A socket that is left over there is replaced.</summary>
    public string? SocketPath { get; init; }
}
