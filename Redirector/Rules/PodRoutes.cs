using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Netlink;

namespace Ambient.Redirector.Rules;

/// <summary>
/// The routing rule and the local route, for both families, in one pod's namespace. By netlink and not by ip(8): typed values, no
/// child process, about 50 us. Used by one thread at a time.
/// </summary>
internal sealed class PodRoutes(RouteSocket socket)
{
    private static ReadOnlySpan<AddressFamily> Families => [AddressFamily.InterNetwork, AddressFamily.InterNetworkV6];

    /// <summary>The namespace has no IPv6, so its half is left out.</summary>
    public bool IsIpv6Absent { get; private set; }

    /// <summary>Puts in place what is missing.</summary>
    /// <param name="replaceRoutes">Somebody else changed our routing table: what stands there is replaced.</param>
    /// <returns>What was missing, for a person; empty when nothing was.</returns>
    /// <exception cref="RulesException">The kernel refused.</exception>
    public string Ensure(bool replaceRoutes)
    {
        var missing = new List<string>();
        foreach (var family in Families)
        {
            string name = family == AddressFamily.InterNetwork ? "IPv4" : "IPv6";
            var rule = socket.AddRule(family, CaptureNumbers.ReplyRule);
            if (IsAbsent(family, rule))
                continue;
            var route = socket.AddLocalRoute(family, CaptureNumbers.RoutingTable, replaceRoutes);
            if (IsAbsent(family, route))
                continue;
            if (rule is not (Errno.None or Errno.Exists))
                throw new RulesException($"{name} rule: {rule}");
            if (route is not (Errno.None or Errno.Exists))
                throw new RulesException($"{name} route: {route}");
            if (rule == Errno.None)
                missing.Add($"{name} rule");
            if (route == Errno.None)
                missing.Add($"{name} route");
        }
        return string.Join(", ", missing);
    }

    /// <summary>Takes all of it away; what is not there is fine.</summary>
    /// <exception cref="RulesException">The kernel refused.</exception>
    public void Remove()
    {
        foreach (var family in Families)
        {
            var rule = socket.RemoveRule(family, CaptureNumbers.ReplyRule);
            var route = socket.RemoveLocalRoute(family, CaptureNumbers.RoutingTable);
            foreach (var error in (Errno[])[rule, route])
                if (error is not (Errno.None or Errno.NoEntry or Errno.NoSuchProcess) && !IsAbsent(family, error))
                    throw new RulesException($"{family}: {error}");
        }
    }

    // AccessDenied: net.ipv6.conf.lo.disable_ipv6 is 1. The others: a kernel without IPv6.
    private bool IsAbsent(AddressFamily family, Errno error)
    {
        bool isAbsent = family == AddressFamily.InterNetworkV6
            && error is Errno.AddressFamilyNotSupported or Errno.NotSupported or Errno.AccessDenied or Errno.ProtocolNotSupported;
        if (family == AddressFamily.InterNetworkV6)
            IsIpv6Absent = isAbsent;
        return isAbsent;
    }
}
