using System.Net;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>The <c>:authority</c> of a CONNECT: address and port, an IPv6 address in brackets. Source: RFC 9113, section 8.5; RFC 3986, section 3.2.2.</summary>
internal static class Authority
{
    /// <summary>Writes it. Scope ids never cross a tunnel.</summary>
    public static string Of(IPEndPoint target) =>
        target.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6
            ? $"[{target.Address}]:{target.Port}"
            : $"{target.Address}:{target.Port}";

    /// <summary>Reads it, strictly: one canonical form, no user info, no names, no missing or zero port.</summary>
    public static bool TryParse(string text, out IPEndPoint target)
    {
        target = new IPEndPoint(IPAddress.None, 0);
        if (text.Length is < 3 or > 64) return false;
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || !TryParsePort(text.AsSpan(colon + 1), out int port)) return false;
        var host = text.AsSpan(0, colon);
        bool bracketed = host[0] == '[' && host[^1] == ']';
        if (bracketed) host = host[1..^1];
        if (host.Contains('%') || !IPAddress.TryParse(host, out var address)) return false;
        bool isV6 = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        // IPAddress.TryParse takes 127.1 and 0x7f000001 as well: only what we would have written ourselves passes for IPv4.
        if (isV6 != bracketed || (!isV6 && !host.SequenceEqual(address.ToString()))) return false;
        target = new IPEndPoint(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address, port);
        return true;
    }

    private static bool TryParsePort(ReadOnlySpan<char> digits, out int port)
    {
        port = 0;
        if (digits.Length is 0 or > 5 || digits[0] == '0') return false;
        foreach (char c in digits)
        {
            if (!char.IsAsciiDigit(c)) return false;
            port = (port * 10) + (c - '0');
        }

        return port is > 0 and <= 65535;
    }
}
