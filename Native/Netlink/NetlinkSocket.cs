using System.Runtime.InteropServices;
using Ambient.Native.Descriptors;
using Tmds.Linux;

namespace Ambient.Native.Netlink;

/// <summary>
/// A socket to the kernel's network configuration, non-blocking. It speaks for the network namespace of the thread that opened it,
/// whoever uses it later. Source: netlink(7).
/// </summary>
public sealed class NetlinkSocket : IDisposable
{
    /// <summary>NETLINK_ROUTE: links, addresses, routes, rules.</summary>
    public const int Route = 0;

    /// <summary>NETLINK_NETFILTER: nftables among others.</summary>
    public const int Netfilter = 12;

    /// <summary>NETLINK_SOCK_DIAG: the sockets themselves.</summary>
    public const int SocketDiagnosis = 4;

    private const int AddressBytes = 12;                      // sockaddr_nl: family, padding, port id, groups
    private const int NetlinkLevel = 270, AddMembership = 1;  // SOL_NETLINK, NETLINK_ADD_MEMBERSHIP
    private const int ReceiveBufferForce = 33;                // SO_RCVBUFFORCE

    private readonly Descriptor _socket;

    private NetlinkSocket(Descriptor socket) => _socket = socket;

    /// <summary>The descriptor's number, to be watched by an epoll.</summary>
    public int Number => _socket.Number;

    /// <summary>This socket's address in its namespace; messages that it caused carry it.</summary>
    public uint PortId { get; private set; }

    /// <summary>Opens a socket in the calling thread's namespace.</summary>
    /// <exception cref="SystemCallException">The kernel lacks the protocol, or no descriptor is left.</exception>
    public static unsafe NetlinkSocket Open(int protocol)
    {
        int number = NetlinkImports.Socket(LibC.AF_NETLINK, LibC.SOCK_RAW | LibC.SOCK_CLOEXEC | LibC.SOCK_NONBLOCK, protocol);
        if (number < 0)
            throw Failure("socket");
        var opened = new NetlinkSocket(Descriptor.Adopt(number));
        byte* address = stackalloc byte[AddressBytes];
        new Span<byte>(address, AddressBytes).Clear();
        *(ushort*)address = (ushort)LibC.AF_NETLINK;
        uint bytes = AddressBytes;
        // SAFETY: the address is on this stack frame and 12 bytes long, the size passed along; the kernel chooses the port id.
        if (NetlinkImports.Bind(number, address, bytes) != 0 || NetlinkImports.LocalName(number, address, &bytes) != 0)
        {
            var failure = Failure("bind");
            opened.Dispose();
            throw failure;
        }
        opened.PortId = *(uint*)(address + 4);
        return opened;
    }

    /// <summary>Joins a multicast group of events.</summary>
    /// <exception cref="SystemCallException">The group does not exist in this kernel.</exception>
    public unsafe void Subscribe(int group)
    {
        // SAFETY: the value is on this stack frame.
        if (NetlinkImports.SetOption(Number, NetlinkLevel, AddMembership, &group, sizeof(int)) != 0)
            throw Failure("setsockopt");
    }

    /// <summary>Asks for room for a burst of events. Without the right to it the default stays, and a burst shows as an overrun.</summary>
    public unsafe void SetReceiveBuffer(int bytes)
    {
        // SAFETY: the value is on this stack frame.
        _ = NetlinkImports.SetOption(Number, LibC.SOL_SOCKET, ReceiveBufferForce, &bytes, sizeof(int));
    }

    /// <summary>Sends a request to the kernel.</summary>
    public unsafe Errno Send(ReadOnlySpan<byte> request)
    {
        // SAFETY: the span is pinned for the call, and its length bounds what the kernel reads.
        fixed (byte* pointer = request)
        {
            while (true)
            {
                if (NetlinkImports.Send(Number, pointer, (nuint)request.Length, LibC.MSG_NOSIGNAL) >= 0)
                    return Errno.None;
                if (LastError() is var error && error != Errno.Interrupted)
                    return error;
            }
        }
    }

    /// <summary>Takes one packet, which holds one or more messages.</summary>
    /// <param name="error">WouldBlock when none waits; NoBufferSpace when events were lost, after which the truth must be asked for.</param>
    /// <returns>Its bytes; 0 with an error.</returns>
    public unsafe int Receive(Span<byte> into, out Errno error)
    {
        // SAFETY: the span is pinned for the call, and its length bounds what the kernel writes.
        fixed (byte* pointer = into)
        {
            while (true)
            {
                nint received = NetlinkImports.Receive(Number, pointer, (nuint)into.Length, 0);
                error = received >= 0 ? Errno.None : LastError();
                if (error != Errno.Interrupted)
                    return (int)Math.Max(0, received);
            }
        }
    }

    /// <summary>Takes one packet's messages; none with an error, as of <see cref="Receive"/>.</summary>
    /// <param name="buffer">They lie in it.</param>
    internal NetlinkMessages ReceiveMessages(Span<byte> buffer, out Errno error)
    {
        int bytes = Receive(buffer, out error);
        return new NetlinkMessages(buffer[..bytes]);
    }

    /// <summary>Sends a request that asks for an acknowledgement, and takes that, which is there when the send returns.</summary>
    internal Errno Acknowledged(ReadOnlySpan<byte> request, uint sequence)
    {
        if (Send(request) is var sent && sent != Errno.None)
            return sent;
        using var buffer = NetlinkBuffer.Rent();
        while (true)
        {
            var messages = ReceiveMessages(buffer.Bytes, out var error);
            if (error != Errno.None)
                return error;
            while (messages.MoveNextOf(sequence))
                if (messages.Type == NetlinkMessages.Error)
                    return messages.Failure;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private static Errno LastError() => (Errno)Marshal.GetLastPInvokeError();

    private static SystemCallException Failure(string call) => new(call, LastError());
}
