using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Netlink;

/// <summary>
/// Makes links of a network namespace that is this process's own. The kernel answers such requests before the send returns, so no call
/// waits. One thread at a time, inside that namespace. Source: rtnetlink(7), netdevice(7).
/// </summary>
public sealed class LinkSocket : IDisposable
{
    private const ushort NewLink = 16, NewAddress = 20, NewRoute = 24;
    private const ushort Creation = NetlinkRequest.Create | NetlinkRequest.Exclusive;
    private const uint IsUp = 1; // IFF_UP

    private readonly NetlinkSocket _socket = NetlinkSocket.Open(NetlinkSocket.Route);
    private uint _sequence;

    /// <summary>Makes a link that leads nowhere, up from its birth.</summary>
    /// <param name="name">At most 15 characters.</param>
    /// <param name="kind">dummy or veth, as the kernel calls it.</param>
    /// <param name="index">Its number, not taken yet.</param>
    /// <returns>NotSupported when this kernel lacks the kind.</returns>
    public Errno Add(string name, string kind, int index)
    {
        Span<byte> space = stackalloc byte[256];
        var request = Start(space, NewLink, Creation, LinkHeader(index, IsUp));
        request.Attribute(3, Encoding.ASCII.GetBytes(name + "\0")); // IFLA_IFNAME
        int information = request.Begin(18);                        // IFLA_LINKINFO
        request.Attribute(1, Encoding.ASCII.GetBytes(kind + "\0")); // IFLA_INFO_KIND
        request.End(information);
        return Acknowledged(request.Bytes);
    }

    /// <summary>Brings a link up.</summary>
    public Errno SetUp(int index)
    {
        Span<byte> space = stackalloc byte[64];
        return Acknowledged(Start(space, NewLink, 0, LinkHeader(index, IsUp)).Bytes);
    }

    /// <summary>Gives a link an address of its own, without a network around it; no other host is asked whether it has it.</summary>
    public Errno AddAddress(int index, IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        byte[] bytes = address.GetAddressBytes();
        byte[] header = new byte[8]; // ifaddrmsg: family, prefix length, flags (IFA_F_NODAD), scope, index
        (header[0], header[1], header[2]) = (Number(address.AddressFamily), (byte)(bytes.Length * 8), 2);
        MemoryMarshal.Write(header.AsSpan(4), index);
        Span<byte> space = stackalloc byte[128];
        var request = Start(space, NewAddress, Creation, header);
        request.Attribute(2, bytes); // IFA_LOCAL
        request.Attribute(1, bytes); // IFA_ADDRESS
        return Acknowledged(request.Bytes);
    }

    /// <summary>Sends everything out through a link.</summary>
    public Errno AddDefaultRoute(AddressFamily family, int index)
    {
        Span<byte> space = stackalloc byte[128];
        // rtmsg: family, destination and source lengths, tos, table (main), protocol (RTPROT_STATIC), scope (RT_SCOPE_LINK), type (unicast), flags.
        var request = Start(space, NewRoute, Creation, [Number(family), 0, 0, 0, 254, 4, 253, 1, 0, 0, 0, 0]);
        request.Attribute(4, (uint)index); // RTA_OIF
        return Acknowledged(request.Bytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private NetlinkRequest Start(Span<byte> space, ushort type, ushort flags, scoped ReadOnlySpan<byte> header)
    {
        var request = new NetlinkRequest(space, type, (ushort)(flags | NetlinkRequest.IsRequest | NetlinkRequest.WantsAck), ++_sequence);
        request.Put(header);
        return request;
    }

    // ifinfomsg: family, padding, type, index, flags, which flags count.
    private static byte[] LinkHeader(int index, uint flags)
    {
        byte[] header = new byte[16];
        MemoryMarshal.Write(header.AsSpan(4), index);
        MemoryMarshal.Write(header.AsSpan(8), flags);
        MemoryMarshal.Write(header.AsSpan(12), flags);
        return header;
    }

    private Errno Acknowledged(ReadOnlySpan<byte> request) => _socket.Acknowledged(request, _sequence);

    private static byte Number(AddressFamily family) => (byte)(family == AddressFamily.InterNetworkV6 ? 10 : 2);
}
