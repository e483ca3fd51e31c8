using System.Net;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Sockets;

/// <content>Options and addresses of a socket: asked for once or twice in a connection's life.</content>
public static partial class SocketCalls
{
    /// <summary>SO_ORIGINAL_DST of linux/netfilter_ipv4.h, and IP6T_SO_ORIGINAL_DST of linux/netfilter_ipv6/ip6_tables.h: the same number.</summary>
    private const int OriginalDestination = 80;

    private const int CongestionControl = 13; // TCP_CONGESTION of netinet/tcp.h

    /// <summary>Takes the pending error of a socket, which clears it. SO_ERROR, socket(7).</summary>
    /// <returns>None when nothing is wrong: after a connect, that it succeeded.</returns>
    public static Errno TakeError(int fd) =>
        TryGetOption(fd, LibC.SOL_SOCKET, LibC.SO_ERROR, out int error) ? (Errno)error : LastError();

    /// <summary>Sends small writes at once. TCP_NODELAY, tcp(7).</summary>
    /// <exception cref="SystemCallException">The descriptor is no TCP socket.</exception>
    public static void SetNoDelay(int fd) => SetOption(fd, LibC.IPPROTO_TCP, LibC.TCP_NODELAY, 1);

    /// <summary>Probes a silent peer and breaks the connection if it does not answer. SO_KEEPALIVE, tcp(7).</summary>
    /// <param name="idleSeconds">Silence before the first probe, 1 to 32,767.</param>
    /// <param name="intervalSeconds">Time between probes, 1 to 32,767.</param>
    /// <param name="probes">Unanswered probes until the connection is broken, 1 to 127.</param>
    /// <exception cref="SystemCallException">No TCP socket, or a value out of range.</exception>
    public static void SetKeepAlive(int fd, int idleSeconds, int intervalSeconds, int probes)
    {
        SetOption(fd, LibC.IPPROTO_TCP, LibC.TCP_KEEPIDLE, idleSeconds);
        SetOption(fd, LibC.IPPROTO_TCP, LibC.TCP_KEEPINTVL, intervalSeconds);
        SetOption(fd, LibC.IPPROTO_TCP, LibC.TCP_KEEPCNT, probes);
        SetOption(fd, LibC.SOL_SOCKET, LibC.SO_KEEPALIVE, 1);
    }

    /// <summary>Bounds how long sent bytes may stay unacknowledged before the connection is broken. TCP_USER_TIMEOUT, tcp(7).</summary>
    /// <param name="ms">Milliseconds; 0 is the system's default.</param>
    /// <exception cref="SystemCallException">No TCP socket, or a negative value.</exception>
    public static void SetUserTimeout(int fd, int ms) => SetOption(fd, LibC.IPPROTO_TCP, LibC.TCP_USER_TIMEOUT, ms);

    /// <summary>
    /// Lets a connection, or all that a listener will accept, go without congestion control worth the name: for what never leaves the
    /// machine. A host's own choice may pace its packets by timers (BBR does). "reno", which every kernel has and everybody may choose.
    /// TCP_CONGESTION, tcp(7).
    /// </summary>
    public static void SetUnpaced(int fd)
    {
        // SAFETY: a literal lives as long as the program. Refused by no kernel; if it were, the host's choice stays, which only costs.
        unsafe { fixed (byte* name = "reno"u8) _ = SocketImports.SetOption(fd, LibC.IPPROTO_TCP, CongestionControl, name, 4); }
    }

    /// <summary>The local end's address; a v4-mapped one comes back as v4. getsockname(2).</summary>
    /// <returns>False if the descriptor is no IP socket.</returns>
    public static unsafe bool TryGetLocalAddress(int fd, out IPEndPoint address)
    {
        byte* bytes = stackalloc byte[SocketAddressBytes.MaxLength];
        uint length = SocketAddressBytes.MaxLength;
        // SAFETY: the buffer is on this stack frame, its length is given, and a longer answer is cut by the kernel.
        return TryRead(SocketImports.LocalName(fd, bytes, &length), bytes, length, out address);
    }

    /// <summary>The peer's address; a v4-mapped one comes back as v4. getpeername(2).</summary>
    /// <returns>False if there is no connection any more, or no IP socket.</returns>
    public static unsafe bool TryGetRemoteAddress(int fd, out IPEndPoint address)
    {
        byte* bytes = stackalloc byte[SocketAddressBytes.MaxLength];
        uint length = SocketAddressBytes.MaxLength;
        // SAFETY: as above.
        return TryRead(SocketImports.PeerName(fd, bytes, &length), bytes, length, out address);
    }

    /// <summary>
    /// Where a redirected connection was going. SO_ORIGINAL_DST on the level of the peer's family: a v4 peer of an AF_INET6
    /// listener is asked for on SOL_IP (facts/linux-and-dotnet.md section 4). On a connection that was not redirected the answer
    /// is the socket's own local address, or none where the namespace tracks no connections.
    /// </summary>
    /// <returns>False if the connection is gone or not tracked.</returns>
    public static unsafe bool TryGetOriginalDestination(int fd, out IPEndPoint address)
    {
        address = SocketAddressBytes.NoAddress;
        byte* bytes = stackalloc byte[SocketAddressBytes.MaxLength];
        uint length = SocketAddressBytes.MaxLength;
        // SAFETY: the buffer is on this stack frame, and each call is told its true length.
        if (SocketImports.PeerName(fd, bytes, &length) != 0 || length is < SocketAddressBytes.V4Length or > SocketAddressBytes.MaxLength)
            return false;
        bool isV4 = SocketAddressBytes.IsV4(new ReadOnlySpan<byte>(bytes, SocketAddressBytes.MaxLength));
        length = isV4 ? (uint)SocketAddressBytes.V4Length : SocketAddressBytes.V6Length;
        int result = SocketImports.GetOption(fd, isV4 ? LibC.SOL_IP : LibC.SOL_IPV6, OriginalDestination, bytes, &length);
        return TryRead(result, bytes, length, out address);
    }

    private static unsafe bool TryRead(int result, byte* bytes, uint length, out IPEndPoint address)
    {
        if (result == 0 && length <= SocketAddressBytes.MaxLength)
            // SAFETY: the kernel wrote `length` bytes into the caller's buffer, which is MaxLength long.
            return SocketAddressBytes.TryRead(new ReadOnlySpan<byte>(bytes, (int)length), out address);
        address = SocketAddressBytes.NoAddress;
        return false;
    }

    private static unsafe bool TryGetOption(int fd, int level, int option, out int value)
    {
        int got = 0;
        uint length = sizeof(int);
        // SAFETY: value and length are on this stack frame.
        int result = SocketImports.GetOption(fd, level, option, &got, &length);
        value = got;
        return result == 0;
    }

    private static void SetOption(int fd, int level, int option, int value)
    {
        int result;
        // SAFETY: the value is on this stack frame.
        unsafe { result = SocketImports.SetOption(fd, level, option, &value, sizeof(int)); }
        if (result < 0)
            throw new SystemCallException("setsockopt", LastError());
    }
}
