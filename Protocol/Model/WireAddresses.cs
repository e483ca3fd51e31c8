using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Ambient.Protocol.Mesh.V1;
using Google.Protobuf;
using Google.Protobuf.Collections;

namespace Ambient.Protocol.Model;

/// <summary>Reads addresses, ranges and ports as they cross the wire.</summary>
internal static class WireAddresses
{
    internal static bool TryReadAddresses(RepeatedField<ByteString> wire, out ImmutableArray<IPAddress> addresses)
    {
        var builder = ImmutableArray.CreateBuilder<IPAddress>(wire.Count);
        addresses = [];
        foreach (ByteString bytes in wire)
        {
            if (!TryReadAddress(bytes, out IPAddress? address))
                return false;
            if (!builder.Contains(address))
                builder.Add(address);
        }
        addresses = builder.DrainToImmutable();
        return true;
    }

    internal static bool TryReadAddress(ByteString wire, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (wire.Length is not (4 or 16))
            return false;
        address = new IPAddress(wire.Span);
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any);
    }

    internal static bool TryReadRanges(RepeatedField<AddressRange> wire, out ImmutableArray<IPNetwork> ranges)
    {
        var builder = ImmutableArray.CreateBuilder<IPNetwork>(wire.Count);
        ranges = [];
        foreach (AddressRange range in wire)
        {
            if (range.Address.Length is not (4 or 16) || range.PrefixLength > range.Address.Length * 8)
                return false;
            var address = new IPAddress(range.Address.Span);
            int prefix = (int)range.PrefixLength;
            builder.Add(new IPNetwork(WithoutHostBits(address, prefix), prefix));
        }
        ranges = builder.MoveToImmutable();
        return true;
    }

    // IPNetwork throws on host bits; "10.1.2.3/16" in someone's settings clearly means 10.1.0.0/16.
    private static IPAddress WithoutHostBits(IPAddress address, int prefix)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int i = 0; i < bytes.Length; i++)
        {
            int kept = Math.Clamp(prefix - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }
        return new IPAddress(bytes);
    }

    internal static bool TryReadPorts(RepeatedField<uint> wire, out ImmutableArray<int> ports)
    {
        bool valid = wire.All(port => port is > 0 and <= 65535);
        ports = valid ? [.. wire.Select(port => (int)port)] : [];
        return valid;
    }
}
