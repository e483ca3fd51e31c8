using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Unix;

/// <summary>
/// A connected Unix socket that keeps packets whole and carries descriptors beside them. One thread at a time per direction.
/// Source: unix(7), SOCK_SEQPACKET and SCM_RIGHTS.
/// </summary>
public sealed class SeqPacketSocket : IDisposable
{
    /// <summary>Descriptors that one packet can carry (SCM_MAX_FD).</summary>
    public const int MaxDescriptors = 253;

    private readonly Descriptor _socket;

    private SeqPacketSocket(Descriptor socket) => _socket = socket;

    /// <summary>The descriptor's number, to be watched by an epoll.</summary>
    public int Number => _socket.Number;

    /// <summary>Who is at the other end. getsockopt(2), SO_PEERCRED.</summary>
    /// <exception cref="SystemCallException">The descriptor is no Unix socket.</exception>
    public unsafe PeerCredentials PeerCredentials
    {
        get
        {
            ucred credentials;
            uint bytes = (uint)sizeof(ucred);
            // SAFETY: the structure is on this stack frame and `bytes` is its size.
            if (UnixImports.GetOption(Number, LibC.SOL_SOCKET, LibC.SO_PEERCRED, &credentials, &bytes) != 0)
                throw Failure("getsockopt");
            return new PeerCredentials(credentials.pid, credentials.uid, credentials.gid);
        }
    }

    /// <summary>Connects to a listener, waiting while its queue is full. connect(2).</summary>
    /// <exception cref="SystemCallException">Nobody listens there, or this user may not connect.</exception>
    public static SeqPacketSocket Connect(string path) => Connect(path, TimeSpan.Zero);

    /// <summary>The same, and no call on the socket waits longer than this; WouldBlock then. socket(7), SO_RCVTIMEO, SO_SNDTIMEO.</summary>
    /// <param name="atMost">Zero for no limit.</param>
    /// <exception cref="SystemCallException">Nobody listens there, this user may not connect, or the queue stayed full (WouldBlock).</exception>
    public static unsafe SeqPacketSocket Connect(string path, TimeSpan atMost)
    {
        var socket = Open();
        Limit(socket, atMost);
        Span<byte> address = stackalloc byte[UnixAddress.MaxBytes];
        int length = UnixAddress.Write(path, address);
        int result;
        // SAFETY: the address is on this stack frame and `length` lies within it.
        fixed (byte* pointer = address) result = UnixImports.Connect(socket.Number, pointer, (uint)length);
        if (result == 0)
            return new SeqPacketSocket(socket);
        var failure = Failure("connect");
        socket.Dispose();
        throw failure;
    }

    /// <summary>Takes over a descriptor that is a connected SOCK_SEQPACKET socket, for example an inherited end of a pair.</summary>
    /// <exception cref="SystemCallException">It is not such a socket.</exception>
    public static unsafe SeqPacketSocket Adopt(Descriptor descriptor)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        int type;
        uint bytes = sizeof(int);
        // SAFETY: the integer is on this stack frame.
        if (UnixImports.GetOption(descriptor.Number, LibC.SOL_SOCKET, LibC.SO_TYPE, &type, &bytes) != 0)
            throw Failure("getsockopt");
        if (type != LibC.SOCK_SEQPACKET)
            throw new SystemCallException("getsockopt", Errno.ProtocolNotSupported);
        // An inherited descriptor lacks the flag, and a child of ours must not keep the channel open.
        if (UnixImports.Control(descriptor.Number, LibC.F_SETFD, LibC.FD_CLOEXEC) != 0)
            throw Failure("fcntl");
        return new SeqPacketSocket(descriptor);
    }

    /// <summary>Two connected ends. socketpair(2).</summary>
    public static unsafe (SeqPacketSocket First, SeqPacketSocket Second) Pair()
    {
        int* pair = stackalloc int[2];
        // SAFETY: the kernel writes two integers into the array of two.
        if (UnixImports.SocketPair(LibC.AF_UNIX, LibC.SOCK_SEQPACKET | LibC.SOCK_CLOEXEC, 0, pair) != 0)
            throw Failure("socketpair");
        return (new SeqPacketSocket(Descriptor.Adopt(pair[0])), new SeqPacketSocket(Descriptor.Adopt(pair[1])));
    }

    /// <summary>Sends one packet with copies of the descriptors, all or nothing. sendmsg(2), MSG_NOSIGNAL.</summary>
    /// <param name="packet">Not empty: the kernel sends nothing for zero bytes.</param>
    /// <param name="descriptors">At most <see cref="MaxDescriptors"/>; they stay the caller's.</param>
    /// <param name="error">WouldBlock on a non-blocking socket whose peer does not read; BrokenPipe or ConnectionReset when it is gone;
    /// MessageTooLong beyond the send buffer.</param>
    public unsafe bool TrySend(ReadOnlySpan<byte> packet, ReadOnlySpan<int> descriptors, out Errno error)
    {
        ArgumentOutOfRangeException.ThrowIfZero(packet.Length, nameof(packet));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxDescriptors, nameof(descriptors));
        int controlBytes = descriptors.IsEmpty ? 0 : ControlMessage.Space(descriptors.Length);
        Span<byte> control = stackalloc byte[controlBytes];
        if (controlBytes > 0)
            ControlMessage.WriteDescriptors(control, descriptors);
        // SAFETY: packet and control are pinned for the call; vector and header are on this stack frame and name exactly them.
        fixed (byte* packetPointer = packet, controlPointer = control)
        {
            var run = new iovec { iov_base = packetPointer, iov_len = (size_t)(ulong)packet.Length };
            var message = new msghdr
            {
                msg_iov = &run, msg_iovlen = 1, msg_control = controlPointer, msg_controllen = (socklen_t)(uint)controlBytes,
            };
            do
            {
                error = UnixImports.Send(Number, &message, LibC.MSG_NOSIGNAL) >= 0 ? Errno.None : LastError();
            }
            while (error == Errno.Interrupted);
        }
        return error == Errno.None;
    }

    /// <summary>Takes one packet. recvmsg(2), MSG_CMSG_CLOEXEC.</summary>
    /// <param name="packet">Where the bytes go; what does not fit is lost and reported as truncated.</param>
    /// <param name="descriptors">Received descriptors are appended, and are the caller's from then on, whatever the result says.</param>
    public unsafe SeqPacketReceive Receive(Span<byte> packet, List<Descriptor> descriptors)
    {
        ArgumentNullException.ThrowIfNull(descriptors);
        Span<byte> control = stackalloc byte[ControlMessage.Space(MaxDescriptors)];
        // SAFETY: packet and control are pinned for the call; vector and header are on this stack frame and name exactly them.
        fixed (byte* packetPointer = packet, controlPointer = control)
        {
            nint received;
            msghdr message;
            do
            {
                var run = new iovec { iov_base = packetPointer, iov_len = (size_t)(ulong)packet.Length };
                message = new msghdr
                {
                    msg_iov = &run, msg_iovlen = 1, msg_control = controlPointer, msg_controllen = (socklen_t)(uint)control.Length,
                };
                received = UnixImports.Receive(Number, &message, LibC.MSG_CMSG_CLOEXEC);
            }
            while (received < 0 && LastError() == Errno.Interrupted);
            if (received < 0)
                return new SeqPacketReceive(0, false, LastError());
            ControlMessage.ReadDescriptors(control[..(int)(uint)message.msg_controllen], descriptors);
            bool truncated = (message.msg_flags & (LibC.MSG_TRUNC | LibC.MSG_CTRUNC)) != 0;
            return new SeqPacketReceive((int)received, truncated, Errno.None);
        }
    }

    /// <summary>Chooses whether calls wait. The flag belongs to the socket, not to this descriptor: whoever shares it is affected. fcntl(2).</summary>
    public void SetNonBlocking(bool nonBlocking)
    {
        int flags = UnixImports.Control(Number, LibC.F_GETFL, 0);
        if (flags < 0)
            throw Failure("fcntl");
        flags = nonBlocking ? flags | LibC.O_NONBLOCK : flags & ~LibC.O_NONBLOCK;
        if (UnixImports.Control(Number, LibC.F_SETFL, flags) != 0)
            throw Failure("fcntl");
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static unsafe void Limit(Descriptor socket, TimeSpan atMost)
    {
        // struct timeval: seconds and microseconds, a word each on 64-bit systems.
        long* limit = stackalloc long[2];
        limit[0] = (long)atMost.TotalSeconds;
        limit[1] = (long)(atMost - TimeSpan.FromSeconds(limit[0])).TotalMicroseconds;
        // SAFETY: the structure is on this stack frame, and its size is passed along.
        if (UnixImports.SetOption(socket.Number, LibC.SOL_SOCKET, LibC.SO_RCVTIMEO, limit, 16) == 0
            && UnixImports.SetOption(socket.Number, LibC.SOL_SOCKET, LibC.SO_SNDTIMEO, limit, 16) == 0)
            return;
        var failure = Failure("setsockopt");
        socket.Dispose();
        throw failure;
    }

    internal static Descriptor Open()
    {
        int number = UnixImports.Socket(LibC.AF_UNIX, LibC.SOCK_SEQPACKET | LibC.SOCK_CLOEXEC, 0);
        return number >= 0 ? Descriptor.Adopt(number) : throw Failure("socket");
    }

    private static Errno LastError() => (Errno)Marshal.GetLastPInvokeError();

    private static SystemCallException Failure(string call) => new(call, LastError());
}
