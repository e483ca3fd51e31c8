using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Ambient.NodeProxy.Http2;

/// <summary>Writes frames. Source: RFC 9113, sections 3.4 and 6.</summary>
public static class FrameWriter
{
    private const int MaxDebugBytes = 256;

    /// <summary>What a client says first.</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public static void WritePreface(IBufferWriter<byte> output) => output.Write(Preface);

    /// <summary>Writes what differs from the defaults.</summary>
    public static void WriteSettings(IBufferWriter<byte> output, in Http2Settings settings)
    {
        Span<byte> payload = stackalloc byte[36];
        int length = 0;
        if (settings.HeaderTableSize != Http2Settings.DefaultHeaderTableSize) Add(payload, 0x1, (uint)settings.HeaderTableSize, ref length);
        if (!settings.EnablePush) Add(payload, 0x2, 0, ref length);
        if (settings.MaxConcurrentStreams != uint.MaxValue) Add(payload, 0x3, settings.MaxConcurrentStreams, ref length);
        if (settings.InitialWindowSize != Http2Settings.DefaultInitialWindowSize) Add(payload, 0x4, (uint)settings.InitialWindowSize, ref length);
        if (settings.MaxFrameSize != Http2Settings.DefaultMaxFrameSize) Add(payload, 0x5, (uint)settings.MaxFrameSize, ref length);
        if (settings.MaxHeaderListSize != uint.MaxValue) Add(payload, 0x6, settings.MaxHeaderListSize, ref length);
        Write(output, new FrameHeader(length, FrameType.Settings, FrameFlags.None, 0), payload[..length]);
    }

    /// <summary>Announces another initial window, and nothing else.</summary>
    public static void WriteInitialWindow(IBufferWriter<byte> output, int bytes)
    {
        Span<byte> payload = stackalloc byte[6];
        int length = 0;
        Add(payload, 0x4, (uint)bytes, ref length);
        Write(output, new FrameHeader(length, FrameType.Settings, FrameFlags.None, 0), payload);
    }

    public static void WriteSettingsAck(IBufferWriter<byte> output) =>
        Write(output, new FrameHeader(0, FrameType.Settings, FrameFlags.Ack, 0), default);

    public static void WritePing(IBufferWriter<byte> output, ulong opaque, bool ack)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(payload, opaque);
        Write(output, new FrameHeader(8, FrameType.Ping, ack ? FrameFlags.Ack : FrameFlags.None, 0), payload);
    }

    /// <param name="output">Where to.</param>
    /// <param name="lastStreamId">The highest stream that was or may be processed.</param>
    /// <param name="code">Why.</param>
    /// <param name="debug">For a person; at most 256 bytes of it are sent.</param>
    public static void WriteGoAway(IBufferWriter<byte> output, int lastStreamId, Http2ErrorCode code, string debug)
    {
        byte[] text = Encoding.UTF8.GetBytes(debug);
        int length = 8 + Math.Min(text.Length, MaxDebugBytes);
        Span<byte> payload = stackalloc byte[8 + MaxDebugBytes];
        BinaryPrimitives.WriteInt32BigEndian(payload, lastStreamId);
        BinaryPrimitives.WriteUInt32BigEndian(payload[4..], (uint)code);
        text.AsSpan(0, length - 8).CopyTo(payload[8..]);
        Write(output, new FrameHeader(length, FrameType.GoAway, FrameFlags.None, 0), payload[..length]);
    }

    public static void WriteRstStream(IBufferWriter<byte> output, int streamId, Http2ErrorCode code)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, (uint)code);
        Write(output, new FrameHeader(4, FrameType.RstStream, FrameFlags.None, streamId), payload);
    }

    /// <param name="output">Where to.</param>
    /// <param name="streamId">0 for the connection.</param>
    /// <param name="increment">1 to 2^31-1.</param>
    public static void WriteWindowUpdate(IBufferWriter<byte> output, int streamId, int increment)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, increment);
        Write(output, new FrameHeader(4, FrameType.WindowUpdate, FrameFlags.None, streamId), payload);
    }

    /// <summary>Writes a header block, as one HEADERS and as many CONTINUATION as the peer's frame size asks for.</summary>
    public static void WriteHeaders(IBufferWriter<byte> output, int streamId, ReadOnlySpan<byte> block, bool endStream, int maxFrame)
    {
        var type = FrameType.Headers;
        var flags = endStream ? FrameFlags.EndStream : FrameFlags.None;
        do
        {
            var part = block[..Math.Min(block.Length, maxFrame)];
            block = block[part.Length..];
            if (block.IsEmpty) flags |= FrameFlags.EndHeaders;
            Write(output, new FrameHeader(part.Length, type, flags, streamId), part);
            type = FrameType.Continuation;
            flags = FrameFlags.None;
        }
        while (!block.IsEmpty);
    }

    /// <summary>Writes the nine bytes before a payload that already lies behind them.</summary>
    public static void WriteDataHeader(Span<byte> output, int streamId, int length, bool endStream) =>
        new FrameHeader(length, FrameType.Data, endStream ? FrameFlags.EndStream : FrameFlags.None, streamId).WriteTo(output);

    private static void Write(IBufferWriter<byte> output, FrameHeader header, ReadOnlySpan<byte> payload)
    {
        var room = output.GetSpan(FrameHeader.Size + payload.Length);
        header.WriteTo(room);
        payload.CopyTo(room[FrameHeader.Size..]);
        output.Advance(FrameHeader.Size + payload.Length);
    }

    private static void Add(Span<byte> payload, ushort id, uint value, ref int length)
    {
        BinaryPrimitives.WriteUInt16BigEndian(payload[length..], id);
        BinaryPrimitives.WriteUInt32BigEndian(payload[(length + 2)..], value);
        length += 6;
    }
}
