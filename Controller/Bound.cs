using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Ambient.Controller;

/// <summary>Where a server listens: where it was told to, and where that turned out to be.</summary>
internal static class Bound
{
    /// <summary>
    /// Listens on an address. <c>[::]</c> means both families (IPV6_V6ONLY off, RFC 3493, section 5.3), and 0.0.0.0 on a machine whose kernel
    /// has no IPv6: Kestrel does that for "any IP" alone, not for an address that is given.
    /// </summary>
    internal static void ListenOn(this KestrelServerOptions kestrel, IPEndPoint listen, Action<ListenOptions> configure)
    {
        if (listen.Address.Equals(IPAddress.IPv6Any))
        {
            kestrel.ListenAnyIP(listen.Port, endpoint =>
            {
                endpoint.Use(AsItIsKnown);
                configure(endpoint);
            });
        }
        else
        {
            kestrel.Listen(listen, configure);
        }
    }

    /// <summary>Finds out where a started server listens, when the system was asked to choose the port.</summary>
    internal static IPEndPoint Of(WebApplication app)
    {
        var address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return new IPEndPoint(IPAddress.Parse(address.DnsSafeHost), address.Port);
    }

    // One socket for both families says ::ffff:10.0.0.1: from here on people read what they know.
    private static ConnectionDelegate AsItIsKnown(ConnectionDelegate next) => connection =>
    {
        if (connection.RemoteEndPoint is IPEndPoint { Address.IsIPv4MappedToIPv6: true } mapped)
            connection.RemoteEndPoint = new IPEndPoint(mapped.Address.MapToIPv4(), mapped.Port);
        return next(connection);
    };
}
