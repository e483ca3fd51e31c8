using System.Net;
using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;
using Tmds.Linux;

namespace Ambient.Native.Namespaces;

/// <summary>
/// Makes TCP sockets in the calling thread's network namespace, where they stay whoever holds them. They are non-blocking, closed on exec
/// and carry a packet mark, which accepted connections inherit. Needs CAP_NET_ADMIN there. Source: socket(7), ip(7), ipv6(7).
/// </summary>
public static class MarkedSockets
{
    private const int Ipv4Level = 0, Ipv6Level = 41;
    private const int Ipv4Transparent = 19, Ipv6Transparent = 75, BindAddressNoPort = 24, Ipv6Only = 26;

    /// <summary>Makes a socket bound to a port on all addresses, not listening yet.</summary>
    /// <param name="ipv4Only">For a namespace without IPv6.</param>
    /// <returns>Null with AddressInUse when another socket listens there (SO_REUSEPORT is never set: the kernel would spread connections
    /// over both), with AddressFamilyNotSupported when IPv6 is absent.</returns>
    public static Descriptor? TryBind(int port, uint mark, bool ipv4Only, out Errno error)
    {
        var socket = TryCreate(mark, ipv4Only, out error);
        if (socket is null)
            return null;
        error = SetOption(socket, LibC.SOL_SOCKET, LibC.SO_REUSEADDR, 1);
        if (error == Errno.None)
            error = SocketCalls.Bind(socket.Number, new IPEndPoint(ipv4Only ? IPAddress.Any : IPAddress.IPv6Any, port));
        return OrNothing(socket, error);
    }

    /// <summary>Starts listening. The kernel caps the backlog at net.core.somaxconn. listen(2).</summary>
    public static Errno Listen(Descriptor socket, int backlog)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return NamespaceImports.Listen(socket.Number, backlog) == 0 ? Errno.None : LastError();
    }

    /// <summary>
    /// Makes a socket for a connection to be opened by somebody without privilege: transparent (it may bind to foreign addresses),
    /// reusing addresses, choosing its port at connect. An IPv6 one serves both families.
    /// </summary>
    public static Descriptor? TryUpstream(uint mark, bool ipv4Only, out Errno error)
    {
        var socket = TryCreate(mark, ipv4Only, out error);
        if (socket is null)
            return null;
        error = SetOption(socket, LibC.SOL_SOCKET, LibC.SO_REUSEADDR, 1);
        if (error == Errno.None)
            error = ipv4Only ? SetOption(socket, Ipv4Level, Ipv4Transparent, 1) : SetOption(socket, Ipv6Level, Ipv6Transparent, 1);
        if (error == Errno.None)
            error = SetOption(socket, Ipv4Level, BindAddressNoPort, 1);
        return OrNothing(socket, error);
    }

    private static Descriptor? TryCreate(uint mark, bool ipv4Only, out Errno error)
    {
        int domain = ipv4Only ? LibC.AF_INET : LibC.AF_INET6;
        int number = NamespaceImports.Socket(domain, LibC.SOCK_STREAM | LibC.SOCK_NONBLOCK | LibC.SOCK_CLOEXEC, LibC.IPPROTO_TCP);
        if (number < 0)
        {
            error = LastError();
            return null;
        }
        var socket = Descriptor.Adopt(number);
        error = SetOption(socket, LibC.SOL_SOCKET, LibC.SO_MARK, (int)mark);
        if (error == Errno.None && !ipv4Only)
            error = SetOption(socket, Ipv6Level, Ipv6Only, 0);
        return OrNothing(socket, error);
    }

    private static Descriptor? OrNothing(Descriptor socket, Errno error)
    {
        if (error == Errno.None)
            return socket;
        socket.Dispose();
        return null;
    }

    private static unsafe Errno SetOption(Descriptor socket, int level, int option, int value)
    {
        // SAFETY: the value is on this stack frame.
        return NamespaceImports.SetOption(socket.Number, level, option, &value, sizeof(int)) == 0 ? Errno.None : LastError();
    }

    private static Errno LastError() => (Errno)Marshal.GetLastPInvokeError();
}
