using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Ambient.NodeProxy.Policy;

/// <summary>An address as a number, so that a range is a prefix of it. Making and comparing one allocates nothing.</summary>
/// <param name="IsV4">An IPv4 address, or an IPv4-mapped one, which is the same machine: never part of a range of IPv6.</param>
/// <param name="Bits">The address; of IPv4 the upper 32 bits.</param>
internal readonly record struct SourceAddress(bool IsV4, UInt128 Bits)
{
    public static SourceAddress Of(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out int written)) throw new ArgumentException("not an IP address", nameof(address));
        if (written == 4) return new SourceAddress(true, (UInt128)BinaryPrimitives.ReadUInt32BigEndian(bytes) << 96);
        if (address.IsIPv4MappedToIPv6) return new SourceAddress(true, (UInt128)BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]) << 96);
        return new SourceAddress(false, BinaryPrimitives.ReadUInt128BigEndian(bytes));
    }

    /// <summary>The first bits, the others zero.</summary>
    public SourceAddress Prefix(int length) => this with { Bits = length == 0 ? 0 : Bits & (UInt128.MaxValue << (128 - length)) };
}

/// <summary>A block of addresses; IPv4-mapped ones are those of IPv4.</summary>
internal readonly record struct SourceRange(SourceAddress First, int PrefixLength)
{
    public static SourceRange Of(IPNetwork network)
    {
        bool isMapped = network.BaseAddress is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: true } && network.PrefixLength >= 96;
        // ::/0 is all of IPv6, whatever a mapped address would say.
        var first = isMapped || network.BaseAddress.AddressFamily == AddressFamily.InterNetwork
            ? SourceAddress.Of(network.BaseAddress)
            : new SourceAddress(false, BinaryPrimitives.ReadUInt128BigEndian(network.BaseAddress.GetAddressBytes()));
        int length = isMapped ? network.PrefixLength - 96 : network.PrefixLength;
        return new SourceRange(first.Prefix(length), length);
    }
}
