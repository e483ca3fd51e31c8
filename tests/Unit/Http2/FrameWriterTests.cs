using System.Buffers;
using Ambient.NodeProxy.Http2;
using Ambient.Tests.Unit.Http2.Hpack;
using Xunit;

namespace Ambient.Tests.Unit.Http2;

/// <summary>Frames as they have to stand on the wire, by the layouts of RFC 9113 section 6.</summary>
public sealed class FrameWriterTests
{
    [Fact]
    public void Frames_are_written_as_the_RFC_draws_them()
    {
        Written("50524920 2a204854 54502f32 2e300d0a 0d0a534d 0d0a0d0a", FrameWriter.WritePreface);
        Written("000000 04 00 00000000", o => FrameWriter.WriteSettings(o, new Http2Settings()));
        Written("00000c 04 00 00000000 0002 00000000 0003 00000064", o => FrameWriter.WriteSettings(o, new Http2Settings { EnablePush = false, MaxConcurrentStreams = 100 }));
        Written("000006 04 00 00000000 0004 0000ffff", o => FrameWriter.WriteInitialWindow(o, 65_535));
        Written("000000 04 01 00000000", FrameWriter.WriteSettingsAck);
        Written("000008 06 00 00000000 0102030405060708", o => FrameWriter.WritePing(o, 0x0102030405060708, ack: false));
        Written("000008 06 01 00000000 ffffffffffffffff", o => FrameWriter.WritePing(o, ulong.MaxValue, ack: true));
        Written("00000b 07 00 00000000 7fffffff 0000000b 627965", o => FrameWriter.WriteGoAway(o, int.MaxValue, Http2ErrorCode.EnhanceYourCalm, "bye"));
        Written("000004 03 00 00000005 0000000a", o => FrameWriter.WriteRstStream(o, 5, Http2ErrorCode.ConnectError));
        Written("000004 08 00 00000000 7fffffff", o => FrameWriter.WriteWindowUpdate(o, 0, int.MaxValue));
        Written("000000 01 05 00000001", o => FrameWriter.WriteHeaders(o, 1, default, endStream: true, 16_384));
        Written("000002 01 00 00000003 0102 000002 09 00 00000003 0304 000001 09 04 00000003 05", o => FrameWriter.WriteHeaders(o, 3, [1, 2, 3, 4, 5], endStream: false, 2));
        Written("000002 01 01 00000003 0102 000002 09 04 00000003 0304", o => FrameWriter.WriteHeaders(o, 3, [1, 2, 3, 4], endStream: true, 2));
    }

    [Fact]
    public void A_DATA_header_is_written_in_place()
    {
        var room = new byte[9];
        FrameWriter.WriteDataHeader(room, 7, 0x012345, endStream: true);
        Assert.Equal(HeaderText.Hex("012345 00 01 00000007"), room);
        FrameWriter.WriteDataHeader(room, int.MaxValue, 0, endStream: false);
        Assert.Equal(HeaderText.Hex("000000 00 00 7fffffff"), room);
    }

    [Fact]
    public void Debug_text_is_cut_at_256_bytes_between_characters()
    {
        var output = new ArrayBufferWriter<byte>();
        FrameWriter.WriteGoAway(output, 0, Http2ErrorCode.NoError, new string('x', 255) + "äöü");
        Assert.Equal(9 + 8 + 255, output.WrittenCount);
        Assert.Equal((byte)'x', output.WrittenSpan[^1]);
    }

    private static void Written(string hex, Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        Assert.Equal(HeaderText.Hex(hex), output.WrittenSpan.ToArray());
    }
}
