using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Namespaces;

/// <summary>What the kernel says of a descriptor that should be a TCP socket. Source: socket(7).</summary>
/// <param name="IsListening">SO_ACCEPTCONN.</param>
/// <param name="IsIpv6">Its domain is AF_INET6, else AF_INET.</param>
/// <param name="LocalPort">The port it is bound to; 0 for none.</param>
/// <param name="Mark">SO_MARK.</param>
/// <param name="NamespaceCookie">SO_NETNS_COOKIE (Linux 5.14): the network namespace it was made in.</param>
/// <param name="SocketCookie">SO_COOKIE: the same for every copy of one socket, and for no other socket.</param>
public readonly record struct TcpSocketFacts(bool IsListening, bool IsIpv6, int LocalPort, uint Mark, ulong NamespaceCookie, ulong SocketCookie)
{
    private const int NamespaceCookieOption = 71; // SO_NETNS_COOKIE

    /// <summary>Asks the kernel.</summary>
    /// <param name="reason">Empty, or why it is no TCP socket.</param>
    public static bool TryRead(Descriptor socket, out TcpSocketFacts facts, out string reason)
    {
        ArgumentNullException.ThrowIfNull(socket);
        facts = default;
        int fd = socket.Number;
        if (!TryGet(fd, LibC.SO_DOMAIN, out int domain) || !TryGet(fd, LibC.SO_TYPE, out int type) || !TryGet(fd, LibC.SO_PROTOCOL, out int protocol))
        {
            reason = "not a socket";
            return false;
        }
        if (domain is not (2 or 10) || type != LibC.SOCK_STREAM || protocol != LibC.IPPROTO_TCP)
        {
            reason = "not a TCP socket";
            return false;
        }
        if (!TryGet(fd, LibC.SO_ACCEPTCONN, out int listening) || !TryGet(fd, LibC.SO_MARK, out int mark) || !TryGetPort(fd, out int port)
            || !TryGet(fd, LibC.SO_COOKIE, out ulong socketCookie) || !TryGet(fd, NamespaceCookieOption, out ulong namespaceCookie))
        {
            reason = "the kernel does not tell all of it (Linux 5.14 is needed)";
            return false;
        }
        facts = new TcpSocketFacts(listening != 0, domain == 10, port, (uint)mark, namespaceCookie, socketCookie);
        reason = "";
        return true;
    }

    private static unsafe bool TryGet<T>(int fd, int option, out T value) where T : unmanaged
    {
        T got = default;
        uint bytes = (uint)sizeof(T);
        // SAFETY: the value is on this stack frame and `bytes` is its size.
        bool done = NamespaceImports.GetOption(fd, LibC.SOL_SOCKET, option, &got, &bytes) == 0 && bytes == sizeof(T);
        value = got;
        return done;
    }

    private static bool TryGetPort(int fd, out int port)
    {
        bool named = Sockets.SocketCalls.TryGetLocalAddress(fd, out var address);
        port = named ? address.Port : 0;
        return named;
    }
}
