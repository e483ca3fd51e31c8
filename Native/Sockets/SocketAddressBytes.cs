using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Tmds.Linux;

namespace Ambient.Native.Sockets;

/// <summary>
/// <c>sockaddr_in</c> and <c>sockaddr_in6</c> as bytes. Port and address are in network order, the family in the machine's; the
/// offsets are the same on x64 and arm64. Source: ip(7), ipv6(7).
/// </summary>
internal static class SocketAddressBytes
{
    /// <summary>The longer of the two forms, in bytes.</summary>
    public const int MaxLength = V6Length;

    public const int V4Length = 16;
    public const int V6Length = 28;
    public const int PortOffset = 2;
    public const int V4AddressOffset = 4;
    public const int V6AddressOffset = 8;
    public const int V6ScopeOffset = 24;

    private const int MappedPrefixLength = 12;

    /// <summary>Writes the address in the form that a socket of <paramref name="family"/> takes.</summary>
    /// <returns>The length used; 0 if the address has no form in that family.</returns>
    public static int Write(Span<byte> into, IPEndPoint address, int family)
    {
        into.Clear();
        bool isV6Address = address.AddressFamily == AddressFamily.InterNetworkV6;
        BinaryPrimitives.WriteUInt16BigEndian(into[PortOffset..], (ushort)address.Port);
        MemoryMarshal.Write(into, (ushort)family);

        if (family == (int)LibC.AF_INET6)
        {
            var bytes = into.Slice(V6AddressOffset, 16);
            if (isV6Address)
            {
                address.Address.TryWriteBytes(bytes, out _);
                MemoryMarshal.Write(into[V6ScopeOffset..], (uint)address.Address.ScopeId);
            }
            else
            {
                bytes[10] = bytes[11] = 0xff;                      // ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2
                address.Address.TryWriteBytes(bytes[MappedPrefixLength..], out _);
            }
            return V6Length;
        }

        if (family != (int)LibC.AF_INET)
            return 0;
        if (!isV6Address)
        {
            address.Address.TryWriteBytes(into.Slice(V4AddressOffset, 4), out _);
            return V4Length;
        }
        if (!address.Address.IsIPv4MappedToIPv6)
            return 0;
        Span<byte> mapped = stackalloc byte[16];
        address.Address.TryWriteBytes(mapped, out _);
        mapped[MappedPrefixLength..].CopyTo(into.Slice(V4AddressOffset, 4));
        return V4Length;
    }

    /// <summary>Reads what the kernel wrote; a v4-mapped address comes back as the v4 address that it stands for.</summary>
    public static bool TryRead(ReadOnlySpan<byte> from, out IPEndPoint address)
    {
        address = NoAddress;
        if (from.Length < V4Length)
            return false;
        int port = BinaryPrimitives.ReadUInt16BigEndian(from[PortOffset..]);
        int family = MemoryMarshal.Read<ushort>(from);
        if (family == (int)LibC.AF_INET)
        {
            address = new IPEndPoint(new IPAddress(from.Slice(V4AddressOffset, 4)), port);
            return true;
        }
        if (family != (int)LibC.AF_INET6 || from.Length < V6Length)
            return false;
        var bytes = from.Slice(V6AddressOffset, 16);
        address = new IPEndPoint(
            IsMapped(bytes) ? new IPAddress(bytes[MappedPrefixLength..]) : new IPAddress(bytes, MemoryMarshal.Read<uint>(from[V6ScopeOffset..])),
            port);
        return true;
    }

    /// <summary>Whether a socket address is v4, plain or mapped.</summary>
    public static bool IsV4(ReadOnlySpan<byte> socketAddress) =>
        MemoryMarshal.Read<ushort>(socketAddress) == (int)LibC.AF_INET || IsMapped(socketAddress.Slice(V6AddressOffset, 16));

    /// <summary>What a failed look-up gives. Nobody may change it, and nobody looks at it who checks the result.</summary>
    internal static IPEndPoint NoAddress => new(IPAddress.None, 0);

    private static bool IsMapped(ReadOnlySpan<byte> address) =>
        !address[..10].ContainsAnyExcept((byte)0) && address[10] == 0xff && address[11] == 0xff;
}
