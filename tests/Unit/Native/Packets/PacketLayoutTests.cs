using Ambient.Native.Packets;
using Ambient.Tests.Unit.Native.Sockets;
using Xunit;

namespace Ambient.Tests.Unit.Native.Packets;

public sealed class PacketLayoutTests
{
    [Fact]
    public void The_rings_offsets_and_numbers_are_those_that_the_C_compiler_prints() =>
        Assert.Equal(
            CompiledLayout.Evaluate("sys/socket.h linux/if_packet.h linux/if_ether.h",
                "sizeof(struct sockaddr_ll)", "offsetof(struct sockaddr_ll, sll_protocol)", "offsetof(struct sockaddr_ll, sll_ifindex)",
                "offsetof(struct tpacket_block_desc, hdr.bh1.block_status)", "offsetof(struct tpacket_block_desc, hdr.bh1.num_pkts)",
                "offsetof(struct tpacket_block_desc, hdr.bh1.offset_to_first_pkt)",
                "offsetof(struct tpacket3_hdr, tp_next_offset)", "offsetof(struct tpacket3_hdr, tp_snaplen)",
                "offsetof(struct tpacket3_hdr, tp_len)", "offsetof(struct tpacket3_hdr, tp_mac)",
                "sizeof(struct tpacket_req3) / 4", "sizeof(struct tpacket_stats_v3) / 4",
                "AF_PACKET", "SOL_PACKET", "PACKET_RX_RING", "PACKET_STATISTICS", "PACKET_VERSION", "TPACKET_V3", "ETH_P_ALL", "TP_STATUS_USER"),
            [
                PacketLayout.AddressBytes, PacketLayout.AddressProtocol, PacketLayout.AddressLink,
                PacketLayout.BlockStatus, PacketLayout.BlockPackets, PacketLayout.BlockFirst,
                PacketLayout.NextOffset, PacketLayout.Captured, PacketLayout.Length, PacketLayout.LinkHeader,
                PacketLayout.RequestFields, PacketLayout.StatisticsFields,
                PacketLayout.Family, PacketLayout.PacketLevel, PacketLayout.RingOption, PacketLayout.StatisticsOption, PacketLayout.VersionOption,
                PacketLayout.ThirdVersion, PacketLayout.AllProtocols, PacketLayout.IsOurs,
            ]);
}
