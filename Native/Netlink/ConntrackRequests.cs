using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Ambient.Native.Netlink;

/// <summary>Writes the requests of <see cref="ConntrackTable"/>. Numbers in attributes are in network order, except the filter's flags.</summary>
internal static class ConntrackRequests
{
    internal const int MaxBytes = 256;
    internal const ushort New = 1 << 8, Get = New | 1, Delete = New | 2; // NFNL_SUBSYS_CTNETLINK (1), then IPCTNL_MSG_CT_*

    private const ushort TupleOriginal = 1, Status = 3, Id = 12, Filter = 25, StatusMask = 26; // CTA_*
    private const uint FilterProtocol = 1 << 3;                                             // CTA_FILTER_F_CTA_PROTO_NUM
    private const byte Tcp = 6;

    /// <summary>
    /// All TCP entries of a family that are neither answered nor changed by NAT. A kernel that does not know the filter (protocol: Linux 5.8,
    /// status: 5.18) leaves it out, so the reader looks again.
    /// </summary>
    internal static ReadOnlySpan<byte> Unreplied(Span<byte> space, AddressFamily family, uint sequence)
    {
        var request = Start(space, Get, NetlinkRequest.Dump, family, sequence);
        int tuple = request.Begin(TupleOriginal), protocol = request.Begin(2); // CTA_TUPLE_PROTO
        request.Attribute(1, [Tcp]);                                           // CTA_PROTO_NUM
        request.End(protocol);
        request.End(tuple);
        Number(ref request, Status, 0);
        Number(ref request, StatusMask, ConntrackEntry.SeenReply | ConntrackEntry.SourceChanged | ConntrackEntry.DestinationChanged);
        int filter = request.Begin(Filter);
        request.Attribute(1, FilterProtocol);                                  // CTA_FILTER_ORIG_FLAGS
        request.End(filter);
        return request.Bytes;
    }

    /// <summary>The one entry that has a direction with these ends, in the default zone.</summary>
    internal static ReadOnlySpan<byte> Find(Span<byte> space, IPEndPoint source, IPEndPoint destination, uint sequence)
    {
        bool isIpv6 = source.AddressFamily == AddressFamily.InterNetworkV6;
        var request = Start(space, Get, 0, source.AddressFamily, sequence);
        int tuple = request.Begin(TupleOriginal), addresses = request.Begin(1); // CTA_TUPLE_IP: CTA_IP_V4_SRC, V4_DST, V6_SRC, V6_DST
        request.Attribute((ushort)(isIpv6 ? 3 : 1), source.Address.GetAddressBytes());
        request.Attribute((ushort)(isIpv6 ? 4 : 2), destination.Address.GetAddressBytes());
        request.End(addresses);
        int protocol = request.Begin(2);                                        // CTA_TUPLE_PROTO: CTA_PROTO_NUM, SRC_PORT, DST_PORT
        request.Attribute(1, [Tcp]);
        request.Attribute(2, Port(source.Port));
        request.Attribute(3, Port(destination.Port));
        request.End(protocol);
        request.End(tuple);
        return request.Bytes;
    }

    /// <summary>That very entry: not another one that took its place.</summary>
    internal static ReadOnlySpan<byte> DeleteOf(Span<byte> space, AddressFamily family, ConntrackEntry entry, uint sequence)
    {
        var request = Start(space, Delete, NetlinkRequest.WantsAck, family, sequence);
        int tuple = request.Begin(TupleOriginal);
        request.Put(entry.Original.Span);
        request.End(tuple);
        if (entry.Id.Length > 0)
            request.Attribute(Id, entry.Id.Span);
        return request.Bytes;
    }

    private static NetlinkRequest Start(Span<byte> space, ushort type, ushort flags, AddressFamily family, uint sequence)
    {
        var request = new NetlinkRequest(space, type, (ushort)(flags | NetlinkRequest.IsRequest), sequence);
        request.Put([NetlinkEndpoints.FamilyOf(family), 0, 0, 0]); // nfgenmsg: family, version, resource id
        return request;
    }

    private static void Number(ref NetlinkRequest request, ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        request.Attribute(type, bytes);
    }

    private static byte[] Port(int port) => [(byte)(port >> 8), (byte)port];
}
