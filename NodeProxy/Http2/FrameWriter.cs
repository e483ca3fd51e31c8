using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Ambient.NodeProxy.Http2;

/// <summary>
/// Writes frames (RFC 9113 sections 3.4 and 6), each with one piece of room from its output. Writes what it is told, wrong
/// arguments too: tests speak as hostile peers through it. Allocates nothing.
/// </summary>
public static class FrameWriter
{
    private const int SettingSize = 6;
    private const int MaxSettings = 7;
    private const int MaxDebugBytes = 256;

    /// <summary>What a client sends before its first frame (section 3.4).</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <summary>Writes the client preface, without the SETTINGS frame that has to follow it.</summary>
    public static void WritePreface(IBufferWriter<byte> output) => output.Write(Preface);

    /// <summary>Writes a SETTINGS frame with the values that differ from the defaults.</summary>
    public static void WriteSettings(IBufferWriter<byte> output, in Http2Settings settings)
    {
        Span<byte> payload = stackalloc byte[MaxSettings * SettingSize];
        int at = 0;
        if (settings.HeaderTableSize != Http2Settings.DefaultHeaderTableSize)
            at += PutSetting(payload[at..], SettingId.HeaderTableSize, (uint)settings.HeaderTableSize);
        if (!settings.EnablePush)
            at += PutSetting(payload[at..], SettingId.EnablePush, 0);
        if (settings.MaxConcurrentStreams != Http2Settings.None)
            at += PutSetting(payload[at..], SettingId.MaxConcurrentStreams, settings.MaxConcurrentStreams);
        if (settings.InitialWindowSize != Http2Settings.DefaultInitialWindowSize)
            at += PutSetting(payload[at..], SettingId.InitialWindowSize, (uint)settings.InitialWindowSize);
        if (settings.MaxFrameSize != Http2Settings.DefaultMaxFrameSize)
            at += PutSetting(payload[at..], SettingId.MaxFrameSize, (uint)settings.MaxFrameSize);
        if (settings.MaxHeaderListSize != Http2Settings.None)
            at += PutSetting(payload[at..], SettingId.MaxHeaderListSize, settings.MaxHeaderListSize);
        if (settings.EnableConnectProtocol)
            at += PutSetting(payload[at..], SettingId.EnableConnectProtocol, 1);
        Write(output, FrameType.Settings, FrameFlags.None, 0, payload[..at]);
    }

    /// <summary>Writes a SETTINGS frame with another initial window, in bytes, and nothing else.</summary>
    public static void WriteInitialWindow(IBufferWriter<byte> output, int bytes)
    {
        Span<byte> payload = stackalloc byte[SettingSize];
        PutSetting(payload, SettingId.InitialWindowSize, (uint)bytes);
        Write(output, FrameType.Settings, FrameFlags.None, 0, payload);
    }

    /// <summary>Writes the acknowledgement of the peer's SETTINGS.</summary>
    public static void WriteSettingsAck(IBufferWriter<byte> output) => Write(output, FrameType.Settings, FrameFlags.Ack, 0, default);

    /// <summary>Writes a PING or, with the peer's value, its answer.</summary>
    public static void WritePing(IBufferWriter<byte> output, ulong opaque, bool ack)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(payload, opaque);
        Write(output, FrameType.Ping, ack ? FrameFlags.Ack : FrameFlags.None, 0, payload);
    }

    /// <summary>Writes a GOAWAY: streams above the one named were not and will not be processed.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="lastStreamId">0 to 2^31-1; the last value announces a GOAWAY to come (section 6.8).</param>
    /// <param name="code">NoError for a planned end.</param>
    /// <param name="debug">For a person who reads a log or a capture, no secrets; its first 256 bytes are sent.</param>
    public static void WriteGoAway(IBufferWriter<byte> output, int lastStreamId, Http2ErrorCode code, string debug = "")
    {
        Span<byte> payload = stackalloc byte[8 + MaxDebugBytes];
        BinaryPrimitives.WriteInt32BigEndian(payload, lastStreamId);
        BinaryPrimitives.WriteUInt32BigEndian(payload[4..], (uint)code);
        Encoding.UTF8.GetEncoder().Convert(debug, payload[8..], flush: true, out _, out int length, out _);
        Write(output, FrameType.GoAway, FrameFlags.None, 0, payload[..(8 + length)]);
    }

    /// <summary>Writes a RST_STREAM.</summary>
    public static void WriteRstStream(IBufferWriter<byte> output, int streamId, Http2ErrorCode code)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, (uint)code);
        Write(output, FrameType.RstStream, FrameFlags.None, streamId, payload);
    }

    /// <summary>Writes a WINDOW_UPDATE.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="streamId">0 for the connection, or a stream.</param>
    /// <param name="increment">1 to 2^31-1 bytes; 0 is an error at the peer.</param>
    public static void WriteWindowUpdate(IBufferWriter<byte> output, int streamId, int increment)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, increment);
        Write(output, FrameType.WindowUpdate, FrameFlags.None, streamId, payload);
    }

    /// <summary>
    /// Writes an HPACK block as one HEADERS frame and as many CONTINUATION frames as the peer's limit asks for. No other
    /// frame may be put between them (section 4.3).
    /// </summary>
    /// <param name="output">Where to.</param>
    /// <param name="streamId">The stream, at least 1.</param>
    /// <param name="block">A whole block; may be empty.</param>
    /// <param name="endStream">Whether nothing follows on this half.</param>
    /// <param name="maxFrame">The peer's SETTINGS_MAX_FRAME_SIZE, in bytes.</param>
    public static void WriteHeaders(IBufferWriter<byte> output, int streamId, ReadOnlySpan<byte> block, bool endStream, int maxFrame)
    {
        FrameType type = FrameType.Headers;
        FrameFlags flags = endStream ? FrameFlags.EndStream : FrameFlags.None;
        do
        {
            ReadOnlySpan<byte> part = block[..Math.Min(block.Length, maxFrame)];
            block = block[part.Length..];
            Write(output, type, block.IsEmpty ? flags | FrameFlags.EndHeaders : flags, streamId, part);
            type = FrameType.Continuation;
            flags = FrameFlags.None;
        }
        while (!block.IsEmpty);
    }

    /// <summary>
    /// Writes only the nine bytes of a DATA frame at the start of the room: the payload lies, or will lie, directly behind them.
    /// </summary>
    public static void WriteDataHeader(Span<byte> room, int streamId, int length, bool endStream) =>
        new FrameHeader(length, FrameType.Data, endStream ? FrameFlags.EndStream : FrameFlags.None, streamId).WriteTo(room);

    private static void Write(IBufferWriter<byte> output, FrameType type, FrameFlags flags, int streamId, ReadOnlySpan<byte> payload)
    {
        int size = FrameHeader.Size + payload.Length;
        Span<byte> room = output.GetSpan(size);
        payload.CopyTo(room[FrameHeader.Size..]);
        new FrameHeader(payload.Length, type, flags, streamId).WriteTo(room);
        output.Advance(size);
    }

    private static int PutSetting(Span<byte> room, SettingId id, uint value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(room, (ushort)id);
        BinaryPrimitives.WriteUInt32BigEndian(room[2..], value);
        return SettingSize;
    }
}
