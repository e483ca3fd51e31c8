using System.Net;
using System.Net.Sockets;

namespace Ambient.Redirector.Namespaces;

/// <summary>
/// The addresses of the machine's own network namespace, as far as pods could be called from them. Read and never entered. Sources:
/// net/ipv4/fib_trie.c (fib_trie_seq_show), net/ipv6/addrconf.c (if6_seq_show).
/// </summary>
/// <param name="net">The namespace's <c>/proc/PID/net</c>.</param>
internal sealed class HostAddresses(string net)
{
    /// <summary>Most that are told. Where kube-proxy uses IPVS all service addresses are local ones; a range's first come first.</summary>
    internal const int Most = 256;

    /// <summary>Loopback and link-local ones are left out. Ordered.</summary>
    /// <returns>Empty where it cannot be read.</returns>
    public IReadOnlyList<IPAddress> Read() =>
        [.. V4(Lines("fib_trie")).Concat(V6(Lines("if_inet6"))).Where(IsCaller).Distinct().OrderBy(a => a.GetAddressBytes().Length).ThenBy(a => Convert.ToHexString(a.GetAddressBytes()), StringComparer.Ordinal).Take(Most)];

    // "|-- 10.244.2.1" and in the line below "/32 host LOCAL".
    private static IEnumerable<IPAddress> V4(string[] lines)
    {
        const string Leaf = "|-- ";
        for (int i = 0; i + 1 < lines.Length; i++)
        {
            int at = lines[i].IndexOf(Leaf, StringComparison.Ordinal);
            if (at >= 0 && lines[i + 1].EndsWith("/32 host LOCAL", StringComparison.Ordinal) && IPAddress.TryParse(lines[i].AsSpan(at + Leaf.Length).Trim(), out var address))
                yield return address;
        }
    }

    // 32 hexadecimal digits, interface, prefix, scope, flags, name.
    private static IEnumerable<IPAddress> V6(string[] lines)
    {
        byte[] bytes = new byte[16];
        foreach (string line in lines)
            if (line.Length > 32 && Convert.FromHexString(line.AsSpan(0, 32), bytes, out _, out _) == System.Buffers.OperationStatus.Done)
                yield return new IPAddress(bytes);
    }

    private static bool IsCaller(IPAddress address) => !IPAddress.IsLoopback(address) && !address.IsIPv6LinkLocal
        && !(address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes() is [169, 254, ..]);

    private string[] Lines(string name)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(net, name));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // a kernel without IPv6, or a process that ended
        }
    }
}
