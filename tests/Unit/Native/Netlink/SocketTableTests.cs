using System.Net;
using System.Net.Sockets;
using Ambient.Native.Descriptors;
using Ambient.Native.Netlink;

namespace Ambient.Tests.Unit.Native.Netlink;

public sealed class SocketTableTests
{
    // inet_diag_sockid: ports 1000 and 2000, 10.0.0.1 and 10.0.0.2, interface 0, cookie.
    private const string Id =
        "03E8 07D0 0A000001 00000000 00000000 00000000 0A000002 00000000 00000000 00000000 00000000 8877665544332211";

    private static readonly byte[] _report = Bytes("02 01 00 00" + Id + "00000000 00000000 00000000 00000000 00000000" + "08000F00 39050000");

    [Fact]
    public void A_list_asks_for_TCP_and_the_wanted_states() => Assert.Equal(
        Bytes("48000000 1400 0103 07000000 00000000" + "02060000 0E000000" + new string('0', 96)),
        SocketTable.List(new byte[72], AddressFamily.InterNetwork, TcpStates.Established | TcpStates.Opening, 7).ToArray());

    [Fact]
    public void A_socket_is_ended_by_the_id_it_was_listed_with()
    {
        var name = Read(_report)!;

        Assert.Equal(
            Bytes("48000000 1500 0500 07000000 00000000" + "02060000 FFFFFFFF" + Id), SocketTable.DestroyOf(new byte[72], name, 7).ToArray());
    }

    [Fact]
    public void A_socket_is_read_with_ends_cookie_and_mark()
    {
        Assert.True(TcpSocketReport.TryRead(_report, out var report));
        Assert.True(report.IsEstablished);
        Assert.Equal(0x1122334455667788ul, report.Cookie);
        Assert.Equal(0x539u, report.Mark);
        Assert.Equal((IPEndPoint.Parse("10.0.0.1:1000"), IPEndPoint.Parse("10.0.0.2:2000")), (report.Name.Local, report.Name.Remote));
    }

    [Fact]
    public void IPv4_inside_an_IPv6_socket_is_IPv4_and_the_socket_stays_one_of_IPv6()
    {
        byte[] mapped = [.. _report];
        mapped[0] = 10;
        IPAddress.Parse("::ffff:10.0.0.1").GetAddressBytes().CopyTo(mapped, 8);
        IPAddress.Parse("::ffff:10.0.0.2").GetAddressBytes().CopyTo(mapped, 24);

        var name = Read(mapped)!;
        Assert.Equal(((byte)10, IPEndPoint.Parse("10.0.0.1:1000"), IPEndPoint.Parse("10.0.0.2:2000")), (name.Family, name.Local, name.Remote));
    }

    [Fact]
    public void A_report_cut_off_anywhere_is_none_or_one_without_a_mark()
    {
        for (int length = 0; length < _report.Length; length++)
        {
            bool isRead = TcpSocketReport.TryRead(_report.AsSpan(0, length), out var report);
            Assert.Equal(length >= 72, isRead);
            Assert.True(!isRead || report.Mark is null);
        }
    }

    [Fact]
    public void Packets_with_any_byte_wrong_are_survived()
    {
        byte[] packet = [.. Bytes("00000000 1400 0200 07000000 00000000"), .. _report];
        packet[0] = (byte)packet.Length;
        for (int at = 0; at < packet.Length; at++)
        {
            foreach (byte wrong in (byte[])[0, 1, 2, 3, 10, 0x7f, 0xff])
            {
                byte[] hostile = [.. packet];
                hostile[at] = wrong;
                var messages = new NetlinkMessages(hostile);
                try
                {
                    SocketTable.Take(ref messages, 7, (scoped in report) => report.Name.Id.Length == 48);
                }
                catch (SystemCallException)
                {
                    // The type became that of an error message.
                }
            }
        }
    }

    private static TcpSocketName? Read(byte[] payload) => TcpSocketReport.TryRead(payload, out var report) ? report.Name : null;

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
