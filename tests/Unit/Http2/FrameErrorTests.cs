using Ambient.NodeProxy.Http2;
using Xunit;

namespace Ambient.Tests.Unit.Http2;

/// <summary>Every rule of RFC 9113 that a frame codec can see broken, one case each.</summary>
public sealed class FrameErrorTests
{
    private static readonly Dictionary<string, (Http2ErrorCode Code, FrameBytes Bytes)> Cases = new()
    {
        ["3.4 the first frame is not SETTINGS"] = (Http2ErrorCode.ProtocolError, new FrameBytes().Frame(FrameType.Ping, 0, 0, new byte[8])),
        ["3.4 the first frame acknowledges"] = (Http2ErrorCode.ProtocolError, new FrameBytes().Frame(FrameType.Settings, 1, 0)),
        ["3.4 the peer speaks HTTP/1"] = (Http2ErrorCode.ProtocolError, new FrameBytes().Raw("HTTP/1.1 400 Bad Request\r\n"u8.ToArray())),
        ["4.2 a frame is too long"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.Data, 0, 1, new byte[16_385])),
        ["4.2 an unknown frame is too long"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame((FrameType)99, 0, 0, new byte[16_385])),
        ["4.3 another frame inside a block"] = (Http2ErrorCode.ProtocolError, Open().Frame(FrameType.Ping, 0, 0, new byte[8])),
        ["4.3 an unknown frame inside a block"] = (Http2ErrorCode.ProtocolError, Open().Frame((FrameType)99, 0, 1)),
        ["4.3 new HEADERS inside a block"] = (Http2ErrorCode.ProtocolError, Open().Frame(FrameType.Headers, 4, 1)),
        ["4.3 another stream's CONTINUATION"] = (Http2ErrorCode.ProtocolError, Open().Frame(FrameType.Continuation, 4, 3)),
        ["4.3 an undecodable block"] = (Http2ErrorCode.CompressionError, FrameBytes.FromServer().Frame(FrameType.Headers, 4, 1, 0x80)),
        ["6.1 DATA on stream 0"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Data, 0, 0, 1)),
        ["6.1 DATA without its padding length"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.Data, 8, 1)),
        ["6.1 DATA padded by its whole length"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Data, 8, 1, 1)),
        ["6.1 DATA padded by more"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Data, 8, 1, 255, 0, 0)),
        ["6.2 HEADERS on stream 0"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Headers, 4, 0)),
        ["6.2 HEADERS without its padding length"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.Headers, 4 | 8, 1)),
        ["6.2 HEADERS padded by too much"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Headers, 4 | 8, 1, 2, 0)),
        ["6.2 HEADERS without its priority"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.Headers, 4 | 0x20, 1, 0, 0, 0, 0)),
        ["6.3 PRIORITY on stream 0"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Priority, 0, 0, new byte[5])),
        ["6.3 PRIORITY of 4 bytes"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.Priority, 0, 1, new byte[4])),
        ["6.4 RST_STREAM on stream 0"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.RstStream, 0, 0, new byte[4])),
        ["6.4 RST_STREAM of 5 bytes"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.RstStream, 0, 1, new byte[5])),
        ["6.5 SETTINGS on a stream"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Settings, 0, 1)),
        ["6.5 SETTINGS of 5 bytes"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Settings(new byte[5])),
        ["6.5 an acknowledgement with settings"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.Settings, 1, 0, new byte[6])),
        ["6.5.2 push enabled by a server"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Settings(0, 2, 0, 0, 0, 1)),
        ["6.5.2 a window above 2^31-1"] = (Http2ErrorCode.FlowControlError, FrameBytes.FromServer().Settings(0, 4, 0x80, 0, 0, 0)),
        ["6.6 PUSH_PROMISE"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.PushPromise, 4, 1, 0, 0, 0, 2, 0x82)),
        ["6.7 PING on a stream"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Ping, 0, 1, new byte[8])),
        ["6.7 PING of 7 bytes"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.Ping, 0, 0, new byte[7])),
        ["6.8 GOAWAY on a stream"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.GoAway, 0, 1, new byte[8])),
        ["6.8 GOAWAY of 7 bytes"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.GoAway, 0, 0, new byte[7])),
        ["6.9 WINDOW_UPDATE of 3 bytes"] = (Http2ErrorCode.FrameSizeError, FrameBytes.FromServer().Frame(FrameType.WindowUpdate, 0, 0, new byte[3])),
        ["6.9 WINDOW_UPDATE of the connection by 0"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.WindowUpdate, 0, 0, new byte[4])),
        ["6.9 WINDOW_UPDATE of a stream by 0"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.WindowUpdate, 0, 1, 0x80, 0, 0, 0)),
        ["6.10 CONTINUATION on stream 0"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Continuation, 4, 0)),
        ["6.10 CONTINUATION without HEADERS"] = (Http2ErrorCode.ProtocolError, FrameBytes.FromServer().Frame(FrameType.Continuation, 4, 1)),
        ["10.5 a SETTINGS frame with very many settings"] = (Http2ErrorCode.EnhanceYourCalm, FrameBytes.FromServer().Settings(new byte[65 * 6])),
        ["10.5 a header block that is too long"] = (Http2ErrorCode.EnhanceYourCalm, LongBlock()),
    };

    public static TheoryData<string> Rules => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Rules))]
    public void Each_broken_rule_ends_the_connection_with_its_code_and_a_reason(string rule)
    {
        (Http2ErrorCode code, FrameBytes bytes) = Cases[rule];

        FrameParseOutcome outcome = new FrameParser(FrameParserLimits.Default, isServer: false).Feed(bytes.ToArray(), new RecordingSink(), 0);

        Assert.Equal(code, outcome.Error);
        Assert.NotEmpty(outcome.Reason);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("\u0016\u0003\u0001")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX")]
    public void A_client_without_the_preface_is_told_at_its_first_wrong_byte(string said)
    {
        var parser = new FrameParser(FrameParserLimits.Default, isServer: true);
        FrameParseOutcome outcome = FrameParseOutcome.Ok;
        int read = 0;
        foreach (char c in said)
        {
            outcome = parser.Feed([(byte)c], new RecordingSink(), 0);
            read++;
            if (!outcome.IsOk)
                break;
        }

        Assert.Equal(Http2ErrorCode.ProtocolError, outcome.Error);
        Assert.Contains("preface", outcome.Reason);
        Assert.True(FrameWriter.Preface.StartsWith(System.Text.Encoding.Latin1.GetBytes(said)[..(read - 1)]));
    }

    [Fact]
    public void A_client_may_enable_push_but_no_other_value()
    {
        byte[] enabled = FrameBytes.FromClient().Settings(0, 2, 0, 0, 0, 1).ToArray();
        byte[] two = FrameBytes.FromClient().Settings(0, 2, 0, 0, 0, 2).ToArray();

        Assert.True(new FrameParser(FrameParserLimits.Default, isServer: true).Feed(enabled, new RecordingSink(), 0).IsOk);
        Assert.Equal(Http2ErrorCode.ProtocolError, new FrameParser(FrameParserLimits.Default, isServer: true).Feed(two, new RecordingSink(), 0).Error);
    }

    [Fact]
    public void An_oversized_frame_is_refused_by_its_header_alone()
    {
        byte[] bytes = FrameBytes.FromServer().Frame(FrameType.Data, 0, 1, new byte[16_385]).ToArray();

        FrameParseOutcome outcome = new FrameParser(FrameParserLimits.Default, isServer: false).Feed(bytes.AsSpan(0, 18), new RecordingSink(), 0);

        Assert.Equal(Http2ErrorCode.FrameSizeError, outcome.Error);
    }

    private static FrameBytes Open() => FrameBytes.FromServer().Frame(FrameType.Headers, 0, 1, 0x82);

    private static FrameBytes LongBlock()
    {
        FrameBytes bytes = FrameBytes.FromServer().Frame(FrameType.Headers, 0, 1, new byte[16_384]);
        for (int i = 0; i < 4; i++)
            bytes.Frame(FrameType.Continuation, 0, 1, new byte[16_384]);
        return bytes;
    }
}
