using System.Net;
using Ambient.Native.Descriptors;
using Ambient.Native.Namespaces;
using Ambient.Native.Netlink;
using Ambient.Redirector.Namespaces;
using Ambient.Redirector.Rules;

namespace Ambient.Redirector.Capture;

/// <summary>
/// A pod's open namespace with what watches it. Made inside it by a worker. From then on the watches belong to the loop; the routes
/// belong to the pod's running job, and to the loop while there is none. Every descriptor here keeps the namespace alive.
/// </summary>
internal sealed class PodNamespace : IDisposable
{
    private readonly FoundNamespace _found;
    private readonly RouteSocket _routes;

    /// <summary>Opens everything in the calling thread's namespace, which is the one found.</summary>
    /// <exception cref="SystemCallException">The kernel refused.</exception>
    public PodNamespace(FoundNamespace found, NetSysctls sysctls)
    {
        _found = found;
        SettingsAtOpen = sysctls.Read();
        using (var probe = MakeProbe(out bool ipv4Only))
        {
            IsIpv4Only = ipv4Only;
            Cookie = TcpSocketFacts.TryRead(probe, out var facts, out string reason) ? facts.NamespaceCookie : throw new RulesException(reason);
        }
        RouteSocket? routes = null;
        RouteWatch? routeWatch = null;
        try
        {
            routes = new RouteSocket();
            routeWatch = new RouteWatch(CaptureNumbers.RoutingTable, routes.PortId);
            RulesWatch = new NftWatch(CaptureNumbers.TableFamily, CaptureNumbers.Table);
        }
        catch
        {
            // Left to the finalizers they would keep the namespace, and its address, alive for an unknown time.
            routeWatch?.Dispose();
            routes?.Dispose();
            throw;
        }
        (_routes, RouteWatch, Routes) = (routes, routeWatch, new PodRoutes(routes));
    }

    public NetworkNamespace Namespace => _found.Namespace;

    /// <summary>Which one it is, among all since boot.</summary>
    public ulong Cookie { get; }

    /// <summary>Sockets are AF_INET, since AF_INET6 does not exist here.</summary>
    public bool IsIpv4Only { get; }

    /// <summary>Its settings when it was opened.</summary>
    public PodSettings SettingsAtOpen { get; }

    /// <summary>Its settings as they are; null until <see cref="HoldSettings"/>. The loop's.</summary>
    public HeldSysctls? Settings { get; private set; }

    public PodRoutes Routes { get; }

    public RouteWatch RouteWatch { get; }

    public NftWatch RulesWatch { get; }

    /// <summary>The pod's first process; null where the namespace was found by path.</summary>
    public Descriptor? FirstProcess => _found.FirstProcess;

    /// <summary>Whether the path still names this namespace; true where it was found by process.</summary>
    public bool IsPathCurrent => _found.Path is null || (NamespaceIdentity.TryOf(_found.Path, out var now) && now == Namespace.Identity);

    /// <summary>The addresses of all links of the namespace.</summary>
    public IReadOnlyList<IPAddress> Addresses() => _routes.Addresses();

    /// <summary>Whether one of the pod's addresses is on a link of the namespace.</summary>
    public bool HoldsAnyOf(IReadOnlyCollection<IPAddress> addresses) => _routes.Addresses().Any(addresses.Contains);

    /// <summary>Opens the settings, in the pod's namespace.</summary>
    /// <exception cref="IOException">One is there and cannot be read.</exception>
    public HeldSysctls HoldSettings(NetSysctls sysctls)
    {
        ForgetSettings();
        return Settings = sysctls.Hold();
    }

    /// <summary>Closes the settings. Harmless at any time.</summary>
    public void ForgetSettings()
    {
        Settings?.Dispose();
        Settings = null;
    }

    /// <summary>Closes every descriptor.</summary>
    public void Dispose()
    {
        ForgetSettings();
        RulesWatch.Dispose();
        RouteWatch.Dispose();
        _routes.Dispose();
        _found.Dispose();
    }

    private static Descriptor MakeProbe(out bool ipv4Only)
    {
        var probe = MarkedSockets.TryUpstream(CaptureNumbers.SocketMark, ipv4Only: false, out var error);
        ipv4Only = probe is null && error is Errno.AddressFamilyNotSupported;
        if (ipv4Only)
            probe = MarkedSockets.TryUpstream(CaptureNumbers.SocketMark, ipv4Only: true, out error);
        return probe ?? throw new SystemCallException("socket", error);
    }
}
