using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Sockets;

/// <summary>
/// TCP sockets as bare numbers, for the loop that owns them. Nothing here blocks, throws on what a network does, or allocates,
/// except for the addresses. An interrupted call (EINTR) is repeated.
/// </summary>
public static partial class SocketCalls
{
    private static readonly int WriteFlags = LibC.MSG_NOSIGNAL | LibC.MSG_DONTWAIT;

    /// <summary>Takes bytes from a socket. recv(2), MSG_DONTWAIT.</summary>
    /// <param name="into">Not empty: an empty read cannot be told from the end of the stream.</param>
    /// <returns>Bytes, the end of the stream, WouldBlock, or the error of a broken connection.</returns>
    public static IoResult Read(int fd, Span<byte> into) => Receive(fd, into, LibC.MSG_DONTWAIT);

    /// <summary>Looks at bytes and leaves them for the next read. recv(2), MSG_PEEK.</summary>
    /// <param name="into">Not empty.</param>
    public static IoResult Peek(int fd, Span<byte> into) => Receive(fd, into, LibC.MSG_PEEK | LibC.MSG_DONTWAIT);

    /// <summary>Gives bytes to a socket; the kernel may take only some. send(2), MSG_NOSIGNAL.</summary>
    public static IoResult Write(int fd, ReadOnlySpan<byte> from)
    {
        while (true)
        {
            nint sent;
            // SAFETY: the span is pinned for the call, and its length bounds what the kernel reads.
            unsafe { fixed (byte* pointer = from) sent = SocketImports.Send(fd, pointer, (nuint)from.Length, WriteFlags); }
            if (sent >= 0)
                return new IoResult((int)sent, Errno.None);
            var error = LastError();
            if (error != Errno.Interrupted)
                return new IoResult(0, error);
        }
    }

    /// <summary>Gives two runs of bytes to a socket as one, in order; the kernel may take only some. sendmsg(2), MSG_NOSIGNAL.</summary>
    public static unsafe IoResult Write(int fd, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        // SAFETY: both spans are pinned for the call; the vector and the header are on this stack frame and name exactly them.
        fixed (byte* firstPointer = first, secondPointer = second)
        {
            iovec* runs = stackalloc iovec[2];
            runs[0] = new iovec { iov_base = firstPointer, iov_len = (size_t)(ulong)first.Length };
            runs[1] = new iovec { iov_base = secondPointer, iov_len = (size_t)(ulong)second.Length };
            var message = new msghdr { msg_iov = runs, msg_iovlen = 2 };
            while (true)
            {
                nint sent = SocketImports.SendMessage(fd, &message, WriteFlags);
                if (sent >= 0)
                    return new IoResult((int)sent, Errno.None);
                var error = LastError();
                if (error != Errno.Interrupted)
                    return new IoResult(0, error);
            }
        }
    }

    /// <summary>Takes the next connection, non-blocking and closed on exec. accept4(2).</summary>
    /// <param name="error">WouldBlock when none waits; ConnectionAborted when one waited and is gone (go on with the next).</param>
    /// <returns>The connection's descriptor, which the caller owns; -1 with an error.</returns>
    public static int Accept(int listener, out Errno error)
    {
        while (true)
        {
            int fd;
            // SAFETY: no address is asked for, so the kernel touches no memory of ours.
            unsafe { fd = SocketImports.Accept(listener, null, null, LibC.SOCK_NONBLOCK | LibC.SOCK_CLOEXEC); }
            error = fd >= 0 ? Errno.None : LastError();
            if (error != Errno.Interrupted)
                return fd;
        }
    }

    /// <summary>Names the local end. A v4 address becomes v4-mapped when the socket is AF_INET6. bind(2).</summary>
    /// <returns>AddressFamilyNotSupported for a v6 address on a v4 socket; else what the kernel answered.</returns>
    public static Errno Bind(int fd, IPEndPoint address)
    {
        var error = Bind(fd, address, LibC.AF_INET6);
        return error == Errno.AddressFamilyNotSupported ? Bind(fd, address, LibC.AF_INET) : error;
    }

    /// <summary>Starts a connection; InProgress is the usual answer, and epoll says Out when it ended. connect(2).</summary>
    /// <returns>As <see cref="Bind"/>. An interrupted connect goes on by itself and counts as InProgress.</returns>
    public static Errno Connect(int fd, IPEndPoint address)
    {
        var error = Connect(fd, address, LibC.AF_INET6);
        if (error == Errno.AddressFamilyNotSupported)
            error = Connect(fd, address, LibC.AF_INET);
        return error == Errno.Interrupted ? Errno.InProgress : error;
    }

    /// <summary>Says FIN: no more bytes follow, reading goes on. shutdown(2), SHUT_WR.</summary>
    public static Errno ShutdownWrite(int fd) => ErrorOf(SocketImports.Shutdown(fd, LibC.SHUT_WR));

    /// <summary>Closes the descriptor, whatever the result: on Linux it is gone even after EINTR. close(2).</summary>
    public static void Close(int fd) => _ = SocketImports.Close(fd);

    /// <summary>Closes so that the peer sees a reset (RST), never a clean end. SO_LINGER of zero seconds, socket(7).</summary>
    public static void CloseWithReset(int fd)
    {
        SetResetOnClose(fd, true);
        Close(fd);
    }

    /// <summary>
    /// Says how the socket ends when its last descriptor is closed, also by the end of a process that was killed: with a reset, or, as by
    /// default, with a clean end after what was written. SO_LINGER, socket(7).
    /// </summary>
    public static void SetResetOnClose(int fd, bool isReset)
    {
        var linger = new linger { l_onoff = isReset ? 1 : 0, l_linger = 0 };
        // SAFETY: the structure is on this stack frame. A failure leaves a plain close, for example of what is no socket.
        unsafe { _ = SocketImports.SetOption(fd, LibC.SOL_SOCKET, LibC.SO_LINGER, &linger, (uint)sizeof(linger)); }
    }

    private static IoResult Receive(int fd, Span<byte> into, int flags)
    {
        if (into.IsEmpty)
            ThrowEmptyRead();
        while (true)
        {
            nint received;
            // SAFETY: the span is pinned for the call, and its length bounds what the kernel writes.
            unsafe { fixed (byte* pointer = into) received = SocketImports.Receive(fd, pointer, (nuint)into.Length, flags); }
            if (received >= 0)
                return new IoResult((int)received, Errno.None);
            var error = LastError();
            if (error != Errno.Interrupted)
                return new IoResult(0, error);
        }
    }

    // Sockets here are AF_INET6 wherever there is IPv6, so that form is tried first: asking for the family would be a call each time. A
    // socket of the other family says so.
    private static Errno Bind(int fd, IPEndPoint address, int family)
    {
        Span<byte> bytes = stackalloc byte[SocketAddressBytes.MaxLength];
        int length = SocketAddressBytes.Write(bytes, address, family);
        if (length == 0)
            return Errno.AddressFamilyNotSupported;
        // SAFETY: the buffer is on this stack frame and `length` is within it.
        unsafe { fixed (byte* pointer = bytes) return ErrorOf(SocketImports.Bind(fd, pointer, (uint)length)); }
    }

    private static Errno Connect(int fd, IPEndPoint address, int family)
    {
        Span<byte> bytes = stackalloc byte[SocketAddressBytes.MaxLength];
        int length = SocketAddressBytes.Write(bytes, address, family);
        if (length == 0)
            return Errno.AddressFamilyNotSupported;
        // SAFETY: as in Bind.
        unsafe { fixed (byte* pointer = bytes) return ErrorOf(SocketImports.Connect(fd, pointer, (uint)length)); }
    }

    private static Errno ErrorOf(int result) => result < 0 ? LastError() : Errno.None;

    private static Errno LastError() => (Errno)Marshal.GetLastSystemError();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowEmptyRead() => throw new ArgumentException("A read needs room for at least one byte.", "into");
}
