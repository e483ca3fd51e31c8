using System.Net;
using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Netlink;

namespace Ambient.Tests.Unit.Native.Netlink;

public sealed class ConntrackTests
{
    // 10.0.0.1:1000 to 10.0.0.2:2000, TCP, as attributes inside CTA_TUPLE_ORIG.
    private const string Original = "14000180 080001000A000001 080002000A000002 1C000280 0500010006000000 0600020003E80000 0600030007D00000";

    private static readonly byte[] _entry = Bytes(
        "02000000" + "34000180" + Original + "08000300 00000008" + "10000480 0C000180 0500010001000000" + "08000800 00000111" + "08000C00 DEADBEEF");

    [Fact]
    public void A_question_for_one_connection_names_both_ends_and_TCP()
    {
        byte[] request = ConntrackRequests.Find(
            new byte[ConntrackRequests.MaxBytes], IPEndPoint.Parse("10.0.0.1:1000"), IPEndPoint.Parse("10.0.0.2:2000"), 7).ToArray();

        Assert.Equal(Bytes("48000000 0101 0100 07000000 00000000" + "02000000" + "34000180" + Original), request);
    }

    [Fact]
    public void A_question_for_an_IPv6_connection_uses_the_attributes_of_IPv6()
    {
        byte[] request = ConntrackRequests.Find(
            new byte[ConntrackRequests.MaxBytes], IPEndPoint.Parse("[fd00::1]:1000"), IPEndPoint.Parse("[fd00::2]:2000"), 7).ToArray();

        Assert.Equal(
            Bytes("60000000 0101 0100 07000000 00000000" + "0A000000" + "4C000180" + "2C000180"
                + "14000300 FD000000000000000000000000000001" + "14000400 FD000000000000000000000000000002"
                + "1C000280 0500010006000000 0600020003E80000 0600030007D00000"),
            request);
    }

    [Fact]
    public void The_list_of_unreplied_entries_is_filtered_by_the_kernel_by_protocol_and_status()
    {
        byte[] request = ConntrackRequests.Unreplied(new byte[ConntrackRequests.MaxBytes], AddressFamily.InterNetwork, 7).ToArray();

        Assert.Equal(
            Bytes("40000000 0101 0103 07000000 00000000" + "02000000" + "10000180 0C000280 0500010006000000"
                + "08000300 00000000" + "08001A00 00000032" + "0C001980 0800010008000000"),
            request);
    }

    [Fact]
    public void An_entry_is_deleted_by_its_own_first_direction_and_id()
    {
        var entry = ConntrackEntry.Read(_entry)!;

        Assert.Equal(
            Bytes("50000000 0201 0500 07000000 00000000" + "02000000" + "34000180" + Original + "08000C00 DEADBEEF"),
            ConntrackRequests.DeleteOf(new byte[ConntrackRequests.MaxBytes], AddressFamily.InterNetwork, entry, 7).ToArray());
    }

    [Fact]
    public void An_entry_is_read_with_state_status_and_mark()
    {
        var entry = ConntrackEntry.Read(_entry)!;

        Assert.Equal((8u, (byte)1, 0x111u), (entry.Status, entry.TcpState, entry.Mark));
        Assert.Equal(Bytes(Original), entry.Original.ToArray());
        Assert.True(entry is { IsUnchanged: true, IsReplied: false, IsRedirected: false });
        Assert.True((entry with { Status = 0x2A }) is { IsUnchanged: false, IsReplied: true, IsRedirected: true });
    }

    [Fact]
    public void An_entry_cut_off_anywhere_gives_less_and_never_more()
    {
        var whole = ConntrackEntry.Read(_entry)!;
        for (int length = 0; length < _entry.Length; length++)
        {
            if (ConntrackEntry.Read(_entry.AsSpan(0, length)) is not { } cut)
                continue;
            Assert.Equal(whole.Original.ToArray(), cut.Original.ToArray());
            Assert.True(cut.Status is 0 or 8 && cut.TcpState is 0 or 1 && cut.Mark is 0 or 0x111 && cut.Id.Length is 0 or 4, $"cut at {length}");
        }
    }

    [Fact]
    public void Entries_and_packets_with_any_byte_wrong_are_survived()
    {
        byte[] packet = [.. Bytes("80000000 0001 0200 07000000 00000000"), .. _entry];
        packet[0] = (byte)packet.Length;
        for (int at = 0; at < packet.Length; at++)
        {
            foreach (byte wrong in (byte[])[0, 1, 3, 4, 0x7f, 0xff])
            {
                byte[] hostile = [.. packet];
                hostile[at] = wrong;
                var messages = new NetlinkMessages(hostile);
                var found = new List<ConntrackEntry>();
                try
                {
                    ConntrackTable.TakeUnreplied(ref messages, 7, found);
                }
                catch (SystemCallException)
                {
                    // The type became that of an error message.
                }
                foreach (var entry in found)
                    Assert.InRange(ConntrackRequests.DeleteOf(new byte[ConntrackRequests.MaxBytes], AddressFamily.InterNetwork, entry, 1).Length, 20, 256);
            }
        }
    }

    [Fact]
    public void An_entry_without_or_with_an_endless_first_direction_is_none()
    {
        Assert.Null(ConntrackEntry.Read(Bytes("02000000 08000300 00000008")));
        Assert.Null(ConntrackEntry.Read([2, 0, 0, 0, 0x00, 0x01, 1, 0x80, .. new byte[252]]));
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
