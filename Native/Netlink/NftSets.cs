using System.Buffers.Binary;
using System.Text;
using Ambient.Native.Descriptors;

namespace Ambient.Native.Netlink;

/// <summary>
/// Reads the sets of nftables in the calling thread's network namespace. The kernel answers before the send returns, so no call waits.
/// Source: nf_tables.h (NFT_MSG_GETSETELEM).
/// </summary>
public static class NftSets
{
    private const ushort Subsystem = 10 << 8;                                   // NFNL_SUBSYS_NFTABLES
    private const ushort NewElement = Subsystem | 12, GetElement = Subsystem | 13;
    private const int FamilyHeaderBytes = 4;                                    // nfgenmsg: family, version, resource id
    private const ushort ListTable = 1, ListSet = 2, ListElements = 3;          // NFTA_SET_ELEM_LIST_*
    private const ushort ElementKey = 1, ElementExpression = 7;                 // NFTA_SET_ELEM_*
    private const ushort DataValue = 1;                                         // NFTA_DATA_VALUE
    private const ushort ExpressionName = 1, ExpressionData = 2;                // NFTA_EXPR_*
    private const ushort CounterBytes = 1, CounterPackets = 2;                  // NFTA_COUNTER_*
    private const uint Sequence = 1;

    /// <summary>Visits every element of a set.</summary>
    /// <param name="family">NFPROTO number of the table, 1 for inet.</param>
    /// <returns>NoEntry where there is no such set. An element may be missed or met twice while packets change the set.</returns>
    /// <exception cref="SystemCallException">No socket could be made.</exception>
    public static Errno VisitElements(byte family, string table, string set, NftElementVisitor visit)
    {
        ArgumentNullException.ThrowIfNull(visit);
        using var socket = NetlinkSocket.Open(NetlinkSocket.Netfilter);
        Span<byte> space = stackalloc byte[256];
        var request = new NetlinkRequest(space, GetElement, NetlinkRequest.IsRequest | NetlinkRequest.Dump, Sequence);
        request.Put([family, 0, 0, 0]);
        request.Attribute(ListTable, Encoding.ASCII.GetBytes(table + '\0'));
        request.Attribute(ListSet, Encoding.ASCII.GetBytes(set + '\0'));
        if (socket.Send(request.Bytes) is var sent && sent != Errno.None)
            return sent;
        using var buffer = NetlinkBuffer.Rent();
        while (true)
        {
            var messages = socket.ReceiveMessages(buffer.Bytes, out var error);
            if (error != Errno.None)
                return error;
            while (messages.MoveNext())
            {
                if (messages.Type == NetlinkMessages.Done)
                    return Errno.None;
                if (messages.Type == NetlinkMessages.Error)
                    return messages.Failure;
                if (messages.Type == NewElement && messages.Payload.Length >= FamilyHeaderBytes)
                    VisitList(messages.Payload[FamilyHeaderBytes..], visit);
            }
        }
    }

    private static void VisitList(ReadOnlySpan<byte> message, NftElementVisitor visit)
    {
        var lists = new NetlinkAttributes(Find(message, ListElements));
        while (lists.MoveNext())
        {
            var key = Find(Find(lists.Value, ElementKey), DataValue);
            if (key.IsEmpty)
                continue;
            var expression = Find(lists.Value, ElementExpression);
            var counter = Find(expression, ExpressionName).TrimEnd((byte)0).SequenceEqual("counter"u8) ? Find(expression, ExpressionData) : [];
            visit(key, Number(Find(counter, CounterPackets)), Number(Find(counter, CounterBytes)));
        }
    }

    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> attributes, ushort type)
    {
        var all = new NetlinkAttributes(attributes);
        while (all.MoveNext())
            if (all.Type == type)
                return all.Value;
        return [];
    }

    private static ulong Number(ReadOnlySpan<byte> value) => value.Length == 8 ? BinaryPrimitives.ReadUInt64BigEndian(value) : 0;
}
