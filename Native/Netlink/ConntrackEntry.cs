using System.Buffers.Binary;

namespace Ambient.Native.Netlink;

/// <summary>
/// A tracked connection as the kernel reports it. What it does not say reads as nothing: no state, no status, no mark.
/// Source: nfnetlink_conntrack.h (ctattr_type), nf_conntrack_common.h (ip_conntrack_status).
/// </summary>
/// <param name="Status">IPS_* bits.</param>
/// <param name="TcpState">TCP_CONNTRACK_*; 0 for a connection that is not TCP.</param>
/// <param name="Mark">The connection's mark.</param>
/// <param name="Original">Its first direction, as the kernel wrote it: it names the entry when it is to be deleted.</param>
/// <param name="Id">Tells the entry from a later one of the same addresses; empty when the kernel gave none.</param>
public sealed record ConntrackEntry(uint Status, byte TcpState, uint Mark, ReadOnlyMemory<byte> Original, ReadOnlyMemory<byte> Id)
{
    internal const uint SeenReply = 2, SourceChanged = 0x10, DestinationChanged = 0x20;

    // An original direction is at most: IPv6 addresses (44), protocol and ports (28), zone (8).
    private const int MaxOriginalBytes = 128, FamilyHeaderBytes = 4;

    /// <summary>Both directions have been seen.</summary>
    public bool IsReplied => (Status & SeenReply) != 0;

    /// <summary>Its destination was changed, as a redirect does.</summary>
    public bool IsRedirected => (Status & DestinationChanged) != 0;

    /// <summary>Neither end was changed.</summary>
    public bool IsUnchanged => (Status & (SourceChanged | DestinationChanged)) == 0;

    /// <summary>Reads the payload of a message.</summary>
    /// <returns>Null when it names no connection.</returns>
    internal static ConntrackEntry? Read(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < FamilyHeaderBytes)
            return null;
        uint status = 0, mark = 0;
        byte state = 0;
        ReadOnlySpan<byte> original = [], id = [];
        var attributes = new NetlinkAttributes(payload[FamilyHeaderBytes..]);
        while (attributes.MoveNext())
        {
            var value = attributes.Value;
            switch (attributes.Type)
            {
                case 1: original = value; break;                                              // CTA_TUPLE_ORIG
                case 3 when value.Length >= 4: status = BinaryPrimitives.ReadUInt32BigEndian(value); break; // CTA_STATUS
                case 4: state = StateOf(value); break;                                        // CTA_PROTOINFO
                case 8 when value.Length >= 4: mark = BinaryPrimitives.ReadUInt32BigEndian(value); break;   // CTA_MARK
                case 12 when value.Length == 4: id = value; break;                            // CTA_ID
            }
        }
        return original.Length is 0 or > MaxOriginalBytes ? null : new ConntrackEntry(status, state, mark, original.ToArray(), id.ToArray());
    }

    // CTA_PROTOINFO_TCP (1) holds CTA_PROTOINFO_TCP_STATE (1), one byte.
    private static byte StateOf(ReadOnlySpan<byte> protocolInfo)
    {
        var outer = new NetlinkAttributes(protocolInfo);
        while (outer.MoveNext())
        {
            if (outer.Type != 1)
                continue;
            var inner = new NetlinkAttributes(outer.Value);
            while (inner.MoveNext())
                if (inner.Type == 1 && inner.Value.Length >= 1)
                    return inner.Value[0];
        }
        return 0;
    }
}
