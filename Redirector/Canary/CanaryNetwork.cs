using System.Net;
using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Native.Netlink;

namespace Ambient.Redirector.Canary;

/// <summary>
/// A network namespace of Redirector's own, which looks to the kernel like a pod's: one address, and a way out, which leads nowhere. No
/// order names it, and none is needed: nobody lives in it.
/// </summary>
internal static class CanaryNetwork
{
    // Modules may give every new namespace links of their own (tunl0, sit0), which take the low numbers.
    private const int LoopbackIndex = 1, LinkIndex = 5353;

    /// <summary>Its addresses, from ranges that are for documentation only (RFC 5737, RFC 3849): they leave the namespace never.</summary>
    public static IPAddress AddressFor(IPEndPoint service) =>
        IPAddress.Parse(service.AddressFamily == AddressFamily.InterNetworkV6 ? "2001:db8::53" : "192.0.2.53");

    /// <summary>Makes it.</summary>
    /// <exception cref="SystemCallException">The kernel refused.</exception>
    public static NetworkNamespace Make(NamespaceEntry entry, IPEndPoint service)
    {
        var made = entry.CreateNamespace();
        try
        {
            return entry.Run(made, () =>
            {
                using var links = new LinkSocket();
                Check(links.SetUp(LoopbackIndex), "lo");
                // A kernel without the one has the other, which every container network with pairs of links needs.
                if (links.Add("canary", "dummy", LinkIndex) != Errno.None)
                    Check(links.Add("canary", "veth", LinkIndex), "a link");
                Check(links.AddAddress(LinkIndex, AddressFor(service)), "an address");
                Check(links.AddDefaultRoute(service.AddressFamily, LinkIndex), "a route");
                return made;
            });
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    private static void Check(Errno error, string what)
    {
        if (error != Errno.None)
            throw new SystemCallException($"netlink ({what} of the canary)", error);
    }
}
