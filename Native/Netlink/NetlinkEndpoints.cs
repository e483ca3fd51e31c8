using System.Net;
using System.Net.Sockets;

namespace Ambient.Native.Netlink;

/// <summary>Addresses as connection tables have them: an IPv4 address inside IPv6 is the IPv4 address.</summary>
internal static class NetlinkEndpoints
{
    /// <summary>AF_INET or AF_INET6.</summary>
    internal static byte FamilyOf(AddressFamily family) => family switch
    {
        AddressFamily.InterNetwork => 2,
        AddressFamily.InterNetworkV6 => 10,
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "IPv4 or IPv6."),
    };

    /// <summary>Without the scope that link-local addresses carry, which no table stores.</summary>
    internal static IPAddress AddressOf(ReadOnlySpan<byte> bytes)
    {
        var address = new IPAddress(bytes);
        return address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
    }
}
