using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.Tests.Unit.Http2.Hpack;
using Xunit;

namespace Ambient.Tests.Unit.Http2;

public sealed class FrameAllocationTests
{
    [Theory]
    [InlineData(16_384 + 9)]
    [InlineData(1_000)]
    [InlineData(7)]
    public void Reading_DATA_allocates_nothing_however_it_is_cut(int piece)
    {
        var bytes = new FrameBytes();
        for (int i = 0; i < 8; i++)
            bytes.Frame(FrameType.Data, 0, 1, new byte[16_384 >> i]).Frame(FrameType.Data, 8, 3, [2, 1, 2, 0, 0]);
        AssertFree(bytes.ToArray(), piece);
    }

    [Theory]
    [InlineData(1_000)]
    [InlineData(1)]
    public void Reading_control_frames_and_repeated_requests_allocates_nothing_however_they_are_cut(int piece)
    {
        byte[] request = HeaderText.Hex("828684410f7777772e6578616d706c652e636f6d");
        AssertFree(
            new FrameBytes()
                .Write(o => FrameWriter.WriteHeaders(o, 1, request, endStream: false, 7))
                .Write(o => FrameWriter.WriteHeaders(o, 1, request, endStream: true, 16_384))
                .Write(o => FrameWriter.WritePing(o, 1, ack: false))
                .Write(o => FrameWriter.WriteWindowUpdate(o, 0, 1))
                .Write(o => FrameWriter.WriteRstStream(o, 1, Http2ErrorCode.Cancel))
                .Write(o => FrameWriter.WriteInitialWindow(o, 1_000))
                .Frame((FrameType)77, 0, 0, 1, 2, 3)
                .ToArray(),
            piece);
    }

    [Fact]
    public void Writing_frames_allocates_nothing()
    {
        var output = new System.Buffers.ArrayBufferWriter<byte>(4_096);
        void Turn()
        {
            output.ResetWrittenCount();
            FrameWriter.WriteSettings(output, new Http2Settings { MaxFrameSize = 1 << 20 });
            FrameWriter.WritePing(output, 1, ack: true);
            FrameWriter.WriteWindowUpdate(output, 1, 1);
            FrameWriter.WriteRstStream(output, 1, Http2ErrorCode.Cancel);
            FrameWriter.WriteHeaders(output, 1, "abc"u8, endStream: true, 2);
            HpackEncoder.Encode(output, ":authority"u8, "10.1.2.3:80"u8);
        }

        Assert.Equal(0, Allocated(Turn));
    }

    [Fact]
    public void An_idle_parser_is_small()
    {
        var limits = FrameParserLimits.Default;
        var scratch = new HeaderList();
        var parsers = new FrameParser[1_000];
        parsers[0] = new FrameParser(limits, isServer: true, scratch);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < parsers.Length; i++)
            parsers[i] = new FrameParser(limits, isServer: true, scratch);
        long each = (GC.GetAllocatedBytesForCurrentThread() - before) / parsers.Length;

        // Too small fails as well, so that the bound is tightened.
        Assert.InRange(each, 400, 500);
    }

    private static void AssertFree(byte[] bytes, int piece)
    {
        var sink = new SilentSink();
        var parser = new FrameParser(FrameParserLimits.Default, isServer: false);
        Assert.True(parser.Feed(FrameBytes.FromServer().ToArray(), sink, 0).IsOk);
        long now = 0;
        void Turn()
        {
            now += TimeSpan.TicksPerSecond;
            for (int at = 0; at < bytes.Length; at += piece)
            {
                if (!parser.Feed(bytes.AsSpan(at, Math.Min(piece, bytes.Length - at)), sink, now).IsOk)
                    throw new InvalidOperationException();
            }
        }

        Assert.Equal(0, Allocated(Turn));
    }

    private static long Allocated(Action turn)
    {
        for (int i = 0; i < 200; i++)
            turn();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 200; i++)
            turn();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private sealed class SilentSink : IFrameSink
    {
        public Http2ErrorCode OnData(int streamId, ReadOnlySpan<byte> chunk, int flowControlled, bool endStream) => Http2ErrorCode.NoError;

        public Http2ErrorCode OnHeaders(int streamId, HeaderList headers, bool endStream) => Http2ErrorCode.NoError;

        public Http2ErrorCode OnHeadersRefused(int streamId, string reason) => Http2ErrorCode.NoError;

        public Http2ErrorCode OnSettings(in Http2Settings settings) => Http2ErrorCode.NoError;

        public Http2ErrorCode OnSettingsAck() => Http2ErrorCode.NoError;

        public Http2ErrorCode OnPing(ulong opaque, bool ack) => Http2ErrorCode.NoError;

        public Http2ErrorCode OnGoAway(int lastStreamId, Http2ErrorCode code, ReadOnlySpan<byte> debug) => Http2ErrorCode.NoError;

        public Http2ErrorCode OnReset(int streamId, Http2ErrorCode code) => Http2ErrorCode.NoError;

        public Http2ErrorCode OnWindowUpdate(int streamId, int increment) => Http2ErrorCode.NoError;
    }
}
