using System.Net;
using Ambient.Protocol.Redirector.V1;
using Ambient.Redirector.Capture;
using Ambient.Redirector.Rules;
using Google.Protobuf;

namespace Ambient.Tests.Unit.Redirector;

public sealed class NonTcpTallyTests
{
    private static readonly NonTcpFlow Dns = new(IPAddress.Parse("10.1.0.1"), IPAddress.Parse("10.2.0.10"), 17);
    private static readonly NonTcpFlow Ping = new(IPAddress.Parse("fd00::1"), IPAddress.Parse("fd00::2"), 58);
    private readonly NonTcpTally _tally = new();

    [Fact]
    public void What_is_told_is_what_the_counters_rose_by()
    {
        _tally.Take([new(Dns, 3, 300), new(Ping, 1, 64)]);
        Assert.Equal(["17: 3 packets 300 bytes", "58: 1 packets 64 bytes"], Told());
        Assert.Empty(Told());
        _tally.Take([new(Dns, 5, 500), new(Ping, 1, 64)]);
        Assert.Equal(["17: 2 packets 200 bytes"], Told());
    }

    [Fact]
    public void What_nobody_could_be_told_is_kept()
    {
        _tally.Take([new(Dns, 3, 300)]);
        _tally.Take([new(Dns, 4, 400)]);
        Assert.Equal(["17: 4 packets 400 bytes"], Told());
    }

    [Fact]
    public void Counters_that_begin_again_lose_nothing_that_was_counted()
    {
        _tally.Take([new(Dns, 3, 300)]);
        _tally.OnRulesLoaded();
        _tally.Take([new(Dns, 7, 700)]);   // more than before, and yet counted from zero
        Assert.Equal(["17: 10 packets 1000 bytes"], Told());
    }

    [Fact]
    public void A_pair_that_was_forgotten_and_comes_back_counts_from_zero()
    {
        _tally.Take([new(Dns, 3, 300)]);
        _tally.Take([]);
        _tally.Take([new(Dns, 3, 300)]);
        _tally.Take([new(Dns, 1, 100)]);   // forgotten and back between two looks
        Assert.Equal(["17: 7 packets 700 bytes"], Told());
    }

    [Fact]
    public void A_thousand_pairs_go_out_in_messages_that_fit_a_packet()
    {
        _tally.Take([.. Enumerable.Range(0, 1_000).Select(i => new NonTcpCount(
            new NonTcpFlow(IPAddress.Parse($"fd00::{i:x}"), IPAddress.Parse("fd00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 17), ulong.MaxValue / 2, ulong.MaxValue / 2))]);
        var messages = _tally.TakeUntold("0123456789abcdef0123456789abcdef0123").ToList();
        Assert.Equal(1_000, messages.Sum(m => m.Flows.Count));
        Assert.All(messages, m => Assert.InRange(new ToNode { NonTcp = m, Session = ByteString.CopyFrom(new byte[16]) }.CalculateSize(), 1, 32 * 1024));
    }

    [Fact]
    public void Pairs_beyond_the_limit_are_dropped_while_nobody_listens()
    {
        for (int round = 0; round < 8; round++)
            _tally.Take([.. Enumerable.Range(0, 1_000).Select(i => new NonTcpCount(new NonTcpFlow(IPAddress.Parse($"fd00:{round}::{i:x}"), IPAddress.IPv6Any, 17), 1, 1))]);
        Assert.Equal(4_096, _tally.TakeUntold("u").Sum(m => m.Flows.Count));
    }

    [Fact]
    public void Keys_are_read_as_the_kernel_lays_them_out()
    {
        Assert.True(NonTcpSets.TryReadKey([10, 1, 0, 1, 10, 2, 0, 10, 17, 0, 0, 0], out var flow));
        Assert.Equal(Dns, flow);
        Assert.True(NonTcpSets.TryReadKey([.. IPAddress.Parse("fd00::1").GetAddressBytes(), .. IPAddress.Parse("fd00::2").GetAddressBytes(), 58, 0, 0, 0], out flow));
        Assert.Equal(Ping, flow);
        Assert.True(NonTcpSets.TryReadKey([132, 0, 0, 0], out flow));
        Assert.Equal(new NonTcpFlow(null, null, 132), flow);
        Assert.False(NonTcpSets.TryReadKey([], out _));
        Assert.False(NonTcpSets.TryReadKey(new byte[20], out _));
    }

    private List<string> Told() => [.. _tally.TakeUntold("u").SelectMany(m => m.Flows).Select(f => $"{f.Protocol}: {f.Packets} packets {f.Bytes} bytes")];
}
