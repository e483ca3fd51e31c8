using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ambient.Redirector.Rules;

/// <summary>A CIDR range whose host bits are zero, which is the only form nft takes in a set.</summary>
internal readonly record struct AddressRange(IPAddress Address, int PrefixLength)
{
    /// <summary>Reads the wire form; host bits are cleared.</summary>
    public static bool TryRead(ReadOnlySpan<byte> address, uint prefixLength, out AddressRange range)
    {
        range = default;
        if (address.Length is not (4 or 16) || prefixLength > address.Length * 8)
            return false;
        Span<byte> bytes = stackalloc byte[16];
        bytes = bytes[..address.Length];
        address.CopyTo(bytes);
        for (int bit = (int)prefixLength; bit < bytes.Length * 8; bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        range = new AddressRange(new IPAddress(bytes), (int)prefixLength);
        return true;
    }

    public bool IsIpv6 => Address.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>Whether every address of the other one is in this one.</summary>
    public bool Contains(AddressRange other) =>
        IsIpv6 == other.IsIpv6 && PrefixLength <= other.PrefixLength && new IPNetwork(Address, PrefixLength).Contains(other.Address);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Address}/{PrefixLength}");
}
