namespace Ambient.Native.Packets;

/// <summary>
/// Where a ring of the third version has its fields; all of them are of fixed width, so it is the same on every architecture.
/// Source: packet(7), linux/if_packet.h.
/// </summary>
internal static class PacketLayout
{
    /// <summary>sizeof(struct sockaddr_ll), and its fields.</summary>
    internal const int AddressBytes = 20, AddressProtocol = 2, AddressLink = 4;

    /// <summary>struct tpacket_block_desc: who has the block, how many packets are in it, and where the first one is.</summary>
    internal const int BlockStatus = 8, BlockPackets = 12, BlockFirst = 16;

    /// <summary>struct tpacket3_hdr: where the next header is, how much of the packet is here, how much there was, and where it begins.</summary>
    internal const int NextOffset = 0, Captured = 12, Length = 16, LinkHeader = 24;

    /// <summary>sizeof(struct tpacket_req3) and of struct tpacket_stats_v3, both in fields of 32 bits.</summary>
    internal const int RequestFields = 7, StatisticsFields = 3;

    /// <summary>Names of options and values.</summary>
    internal const int Family = 17, PacketLevel = 263, RingOption = 5, StatisticsOption = 6, VersionOption = 10, ThirdVersion = 2, AllProtocols = 3;

    /// <summary>The block is the process's.</summary>
    internal const uint IsOurs = 1;
}
