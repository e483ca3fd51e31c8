using System.Net;
using System.Net.Sockets;

namespace Ambient.Protocol.Model;

/// <summary>Reads address ranges as people write them.</summary>
public static class AddressRanges
{
    // ::ffff:0:0/96 is all of IPv4 (RFC 4291, section 2.5.5.2).
    private const int MappedPrefix = 96;

    /// <summary>
    /// Reads <c>10.1.0.0/16</c> or <c>fd00::/48</c>; a range of IPv4 in the spelling of IPv6 becomes one of IPv4, whose addresses it means.
    /// Bits behind the prefix are refused: whoever wrote them meant something else.
    /// </summary>
    /// <param name="text">As it was written.</param>
    /// <param name="range">What it says; the default if nothing can be made of it.</param>
    /// <returns>Whether it is a range that nobody could take for another.</returns>
    public static bool TryParse(string text, out IPNetwork range)
    {
        range = default;
        // IPNetwork clears the bits behind the prefix without a word.
        if (text.IndexOf('/') is not (> 0 and var slash)
            || !IPNetwork.TryParse(text, out var read)
            || !IPAddress.TryParse(text.AsSpan(0, slash), out var written)
            || !written.Equals(read.BaseAddress))
            return false;
        // IPAddress reads 010.1.0.0 as 8.1.0.0, and 10.1 as 10.0.0.1: what it prints must be what was written.
        if (written.AddressFamily == AddressFamily.InterNetwork && !text.AsSpan(0, slash).SequenceEqual(written.ToString()))
            return false;
        range = written.IsIPv4MappedToIPv6 && read.PrefixLength >= MappedPrefix
            ? new IPNetwork(written.MapToIPv4(), read.PrefixLength - MappedPrefix)
            : read;
        return true;
    }
}
