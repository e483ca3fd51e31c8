using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Ambient.Native.Sockets;
using Tmds.Linux;
using Xunit;

namespace Ambient.Tests.Unit.Native.Sockets;

public sealed class SocketLayoutTests
{
    [Fact]
    public void Socket_addresses_have_the_offsets_that_the_C_compiler_prints() =>
        Assert.Equal(
            CompiledLayout.Evaluate("netinet/in.h",
                "sizeof(struct sockaddr_in)", "offsetof(struct sockaddr_in, sin_port)", "offsetof(struct sockaddr_in, sin_addr)",
                "sizeof(struct sockaddr_in6)", "offsetof(struct sockaddr_in6, sin6_port)", "offsetof(struct sockaddr_in6, sin6_addr)",
                "offsetof(struct sockaddr_in6, sin6_scope_id)"),
            [
                SocketAddressBytes.V4Length, SocketAddressBytes.PortOffset, SocketAddressBytes.V4AddressOffset,
                SocketAddressBytes.V6Length, SocketAddressBytes.PortOffset, SocketAddressBytes.V6AddressOffset, SocketAddressBytes.V6ScopeOffset,
            ]);

    [Fact]
    public void Socket_address_offsets_agree_with_the_package_of_system_structs()
    {
        Assert.Equal(SocketAddressBytes.V4Length, Marshal.SizeOf<sockaddr_in>());
        Assert.Equal(SocketAddressBytes.V6Length, Marshal.SizeOf<sockaddr_in6>());
        Assert.Equal(SocketAddressBytes.V4AddressOffset, Marshal.OffsetOf<sockaddr_in>(nameof(sockaddr_in.sin_addr)));
        Assert.Equal(SocketAddressBytes.V6AddressOffset, Marshal.OffsetOf<sockaddr_in6>(nameof(sockaddr_in6.sin6_addr)));
    }

    [Fact]
    public void Vectors_headers_and_linger_have_the_layout_that_the_C_compiler_prints() =>
        Assert.Equal(
            CompiledLayout.Evaluate("sys/socket.h sys/uio.h",
                "sizeof(struct iovec)", "offsetof(struct iovec, iov_len)",
                "sizeof(struct msghdr)", "offsetof(struct msghdr, msg_iov)", "offsetof(struct msghdr, msg_iovlen)",
                "offsetof(struct msghdr, msg_control)", "offsetof(struct msghdr, msg_controllen)", "offsetof(struct msghdr, msg_flags)",
                "sizeof(struct linger)", "offsetof(struct linger, l_linger)"),
            [
                Marshal.SizeOf<iovec>(), Offset<iovec>("iov_len"),
                Marshal.SizeOf<msghdr>(), Offset<msghdr>("msg_iov"), Offset<msghdr>("msg_iovlen"),
                Offset<msghdr>("msg_control"), Offset<msghdr>("msg_controllen"), Offset<msghdr>("msg_flags"),
                Marshal.SizeOf<linger>(), Offset<linger>("l_linger"),
            ]);

    [Fact]
    public void Constants_are_those_of_the_system_headers() =>
        Assert.Equal(
            CompiledLayout.Evaluate("fcntl.h sys/socket.h netinet/in.h netinet/tcp.h",
                "SOCK_NONBLOCK", "SOCK_CLOEXEC", "MSG_NOSIGNAL", "MSG_DONTWAIT", "SO_LINGER", "SO_DOMAIN", "TCP_USER_TIMEOUT",
                "F_SETPIPE_SZ", "F_GETPIPE_SZ", "SPLICE_F_NONBLOCK"),
            [
                LibC.SOCK_NONBLOCK, LibC.SOCK_CLOEXEC, LibC.MSG_NOSIGNAL, LibC.MSG_DONTWAIT, LibC.SO_LINGER, LibC.SO_DOMAIN,
                LibC.TCP_USER_TIMEOUT, LibC.F_SETPIPE_SZ, LibC.F_GETPIPE_SZ, LibC.SPLICE_F_NONBLOCK,
            ]);

    [Fact]
    public void Error_numbers_are_those_of_the_system_headers()
    {
        var errors = new Dictionary<Errno, string>
        {
            [Errno.NotPermitted] = "EPERM",
            [Errno.NoEntry] = "ENOENT",
            [Errno.Interrupted] = "EINTR",
            [Errno.WouldBlock] = "EAGAIN",
            [Errno.TooManyFiles] = "EMFILE",
            [Errno.BrokenPipe] = "EPIPE",
            [Errno.MessageTooLong] = "EMSGSIZE",
            [Errno.AddressFamilyNotSupported] = "EAFNOSUPPORT",
            [Errno.AddressInUse] = "EADDRINUSE",
            [Errno.AddressNotAvailable] = "EADDRNOTAVAIL",
            [Errno.ConnectionAborted] = "ECONNABORTED",
            [Errno.ConnectionReset] = "ECONNRESET",
            [Errno.NoBufferSpace] = "ENOBUFS",
            [Errno.NotConnected] = "ENOTCONN",
            [Errno.TimedOut] = "ETIMEDOUT",
            [Errno.ConnectionRefused] = "ECONNREFUSED",
            [Errno.HostUnreachable] = "EHOSTUNREACH",
            [Errno.InProgress] = "EINPROGRESS",
        };
        Assert.Equal(CompiledLayout.Evaluate("errno.h", [.. errors.Values]), errors.Keys.Select(error => (long)error));
    }

    private static long Offset<T>(string member)
    {
        // The package holds most members as properties over fields of the same name.
        var field = typeof(T).GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.NonPublic)
            .Single(candidate => candidate.Name == member || candidate.Name == $"<{member}>k__BackingField" || candidate.Name == $"_{member}");
        return Marshal.OffsetOf<T>(field.Name);
    }
}
