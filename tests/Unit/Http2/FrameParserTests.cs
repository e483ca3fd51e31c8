using Ambient.NodeProxy.Http2;
using Ambient.Tests.Unit.Http2.Hpack;
using Xunit;

namespace Ambient.Tests.Unit.Http2;

public sealed class FrameParserTests
{
    private static readonly string Defaults = $"SETTINGS {new Http2Settings()}";

    private static readonly byte[] Get = HeaderText.Hex("828684410f7777772e6578616d706c652e636f6d");
    private const string GetLines = ":method: GET | :scheme: http | :path: / | :authority: www.example.com";

    [Fact]
    public void Every_kind_of_frame_reaches_the_sink_in_the_order_of_the_wire()
    {
        byte[] bytes = FrameBytes.FromClient()
            .Write(o => FrameWriter.WriteSettingsAck(o))
            .Write(o => FrameWriter.WriteHeaders(o, 1, Get, endStream: false, 16_384))
            .Frame(FrameType.Data, 0, 1, 0xAA, 0xBB)
            .Frame(FrameType.Data, 1, 1, 0xCC)
            .Write(o => FrameWriter.WritePing(o, 0x0102030405060708, ack: false))
            .Write(o => FrameWriter.WritePing(o, 9, ack: true))
            .Write(o => FrameWriter.WriteWindowUpdate(o, 0, 7))
            .Write(o => FrameWriter.WriteWindowUpdate(o, 1, int.MaxValue))
            .Write(o => FrameWriter.WriteRstStream(o, 1, Http2ErrorCode.ConnectError))
            .Write(o => FrameWriter.WriteGoAway(o, 1, Http2ErrorCode.NoError, "bye"))
            .ToArray();

        Assert.Equal(
            [
                Defaults, "SETTINGS ack", $"HEADERS 1 {GetLines}", "DATA 1 counts 3 [AABBCC] end", "PING 0102030405060708",
                "PING 0000000000000009 ack", "WINDOW_UPDATE 0 7", "WINDOW_UPDATE 1 2147483647", "RST_STREAM 1 ConnectError",
                "GOAWAY 1 NoError 627965",
            ],
            Seen(bytes, isServer: true));
    }

    [Fact]
    public void Unknown_frames_flags_and_settings_and_PRIORITY_change_nothing()
    {
        byte[] bytes = new FrameBytes()
            .Settings(0x12, 0x34, 0, 0, 0, 9, 0, 3, 0, 0, 0, 100)
            .Frame((FrameType)0xFA, 0xFF, 77, 1, 2, 3)
            .Frame((FrameType)0x0A, 0, 0)
            .Frame(FrameType.Priority, 0, 3, 0, 0, 0, 3, 16)
            .Frame(FrameType.Ping, 0xFE, 0, 0, 0, 0, 0, 0, 0, 0, 1)
            .ToArray();

        Assert.Equal([$"SETTINGS {new Http2Settings { MaxConcurrentStreams = 100 }}", "PING 0000000000000001"], Seen(bytes));
    }

    [Fact]
    public void Padding_is_dropped_and_counted_and_priority_bytes_are_dropped()
    {
        byte[] bytes = FrameBytes.FromServer()
            .Frame(FrameType.Headers, 0x4 | 0x8 | 0x20, 1, [2, 0x80, 0, 0, 0, 255, .. Get, 0, 0])
            .Frame(FrameType.Data, 0x8, 1, 3, 0xAA, 0, 0, 0)
            .Frame(FrameType.Data, 0x8, 1, 2, 0, 0)
            .Frame(FrameType.Data, 0x8 | 0x1, 1, 0)
            .ToArray();

        Assert.Equal([Defaults, $"HEADERS 1 {GetLines}", "DATA 1 counts 9 [AA] end"], Seen(bytes));
    }

    [Fact]
    public void A_frame_that_is_cut_inside_its_padding_has_not_ended_the_stream()
    {
        byte[] bytes = FrameBytes.FromServer().Frame(FrameType.Data, 0x8 | 0x1, 1, 2, 0xAA, 0, 0).ToArray();

        Assert.Equal([Defaults, "DATA 1 counts 4 [AA]"], Seen(bytes[..^1]));
        Assert.Equal([Defaults, "DATA 1 counts 4 [AA] end"], Seen(bytes));
    }

    [Fact]
    public void The_reserved_bit_of_stream_numbers_and_increments_is_ignored()
    {
        byte[] bytes = FrameBytes.FromServer()
            .Frame(FrameType.WindowUpdate, 0, unchecked((int)0x80000005), 0x80, 0, 0, 1)
            .Frame(FrameType.GoAway, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0)
            .ToArray();

        Assert.Equal([Defaults, "WINDOW_UPDATE 5 1", "GOAWAY 2147483647 NoError "], Seen(bytes));
    }

    [Fact]
    public void A_header_block_in_several_frames_is_one_list_and_ends_the_stream_as_its_first_frame_says()
    {
        byte[] bytes = FrameBytes.FromServer()
            .Frame(FrameType.Headers, 0x1, 1, Get[..3])
            .Frame(FrameType.Continuation, 0, 1)
            .Frame(FrameType.Continuation, 0, 1, Get[3..9])
            .Frame(FrameType.Continuation, 0x4, 1, Get[9..])
            .ToArray();

        Assert.Equal([Defaults, $"HEADERS 1 end {GetLines}"], Seen(bytes));
    }

    [Fact]
    public void Settings_are_applied_in_order_and_add_up_over_frames()
    {
        var sink = new RecordingSink();
        var parser = new FrameParser(FrameParserLimits.Default, isServer: true);
        byte[] bytes = FrameBytes.FromClient().Settings(0, 4, 0, 0, 0, 1, 0, 4, 0, 0, 0, 2).Settings(0, 6, 0, 0, 1, 0).ToArray();

        Assert.True(parser.Feed(bytes, sink, 0).IsOk);

        Assert.Equal(new Http2Settings { InitialWindowSize = 2, MaxHeaderListSize = 256 }, parser.PeerSettings);
    }

    [Fact]
    public void It_is_between_frames_only_where_nothing_was_begun()
    {
        var parser = new FrameParser(FrameParserLimits.Default, isServer: true);
        byte[] bytes = FrameBytes.FromClient()
            .Frame(FrameType.Headers, 0, 1, 0x82)
            .Frame(FrameType.Continuation, 4, 1)
            .Frame(FrameType.Data, 8, 1, 1, 2, 3)
            .ToArray();
        var cuts = new List<int>();
        for (int i = 0; i < bytes.Length; i++)
        {
            Assert.True(parser.Feed(bytes.AsSpan(i, 1), new RecordingSink(), 0).IsOk);
            if (parser.IsBetweenFrames)
                cuts.Add(i + 1);
        }

        Assert.Equal([24, 33, 33 + 10 + 9, 33 + 10 + 9 + 12], cuts);
    }

    [Fact]
    public void A_sinks_refusal_ends_the_connection_with_its_code()
    {
        var sink = new RecordingSink { Answer = Http2ErrorCode.FlowControlError };
        var parser = new FrameParser(FrameParserLimits.Default, isServer: false);

        FrameParseOutcome outcome = parser.Feed(FrameBytes.FromServer().Settings().ToArray(), sink, 0);

        Assert.Equal(Http2ErrorCode.FlowControlError, outcome.Error);
        Assert.Contains("Settings on stream 0", outcome.Reason);
        Assert.Single(sink.Seen);
    }

    [Fact]
    public void After_a_fault_nothing_is_read_any_more()
    {
        var sink = new RecordingSink();
        var parser = new FrameParser(FrameParserLimits.Default, isServer: false);
        FrameParseOutcome first = parser.Feed(FrameBytes.FromServer().Frame(FrameType.Ping, 0, 1, new byte[8]).ToArray(), sink, 0);

        FrameParseOutcome second = parser.Feed(new FrameBytes().Settings().ToArray(), sink, 0);

        Assert.Equal(Http2ErrorCode.ProtocolError, first.Error);
        Assert.Equal(first, second);
        Assert.Equal([Defaults], sink.Seen);
    }

    [Fact]
    public void A_list_beyond_the_limit_is_refused_and_the_table_stays_in_step()
    {
        var limits = new FrameParserLimits { MaxHeaderListBytes = 200 };
        string big = new('x', 100);
        byte[] bytes = FrameBytes.FromServer()
            .Frame(FrameType.Headers, 4, 1, [0x40, 1, (byte)'a', 100, .. System.Text.Encoding.ASCII.GetBytes(big)])
            .Frame(FrameType.Headers, 4, 3, 0xBE, 0xBE, 0x40, 1, (byte)'b', 1, (byte)'c')
            .Frame(FrameType.Headers, 4, 5, 0xBE, 0xBF)
            .ToArray();

        Assert.Equal([Defaults, $"HEADERS 1 a: {big}", "REFUSED 3", $"HEADERS 5 b: c | a: {big}"], Seen(bytes, limits: limits));
    }

    [Fact]
    public void A_header_list_may_be_shared_by_the_parsers_of_a_loop()
    {
        var scratch = new Ambient.NodeProxy.Http2.Hpack.HeaderList();
        var one = new FrameParser(FrameParserLimits.Default, isServer: false, scratch);
        var other = new FrameParser(FrameParserLimits.Default, isServer: false, scratch);
        byte[] bytes = FrameBytes.FromServer().Frame(FrameType.Headers, 4, 1, Get).ToArray();
        (RecordingSink seenByOne, RecordingSink seenByOther) = (new(), new());

        for (int i = 0; i < bytes.Length; i++)
        {
            Assert.True(one.Feed(bytes.AsSpan(i, 1), seenByOne, 0).IsOk);
            Assert.True(other.Feed(bytes.AsSpan(i, 1), seenByOther, 0).IsOk);
        }

        Assert.Equal([Defaults, $"HEADERS 1 {GetLines}"], seenByOne.Seen);
        Assert.Equal(seenByOne.Seen, seenByOther.Seen);
    }

    private static string[] Seen(byte[] bytes, bool isServer = false, FrameParserLimits? limits = null)
    {
        var sink = new RecordingSink();
        FrameParseOutcome outcome = new FrameParser(limits ?? FrameParserLimits.Default, isServer).Feed(bytes, sink, 0);
        Assert.True(outcome.IsOk, outcome.Reason);
        return sink.Seen;
    }
}
