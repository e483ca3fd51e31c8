using System.Buffers.Binary;
using Ambient.NodeProxy.Http2;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.Tests.Unit.Http2.Hpack;

namespace Ambient.Tests.Unit.Http2;

/// <summary>
/// RFC 9113's framing in the most obvious way: all bytes at once, frame by frame, one rule a line. Says the same words as
/// <see cref="RecordingSink"/>.
/// </summary>
internal sealed class SlowFrameParser(FrameParserLimits limits, bool isServer)
{
    private readonly RecordingSink _sink = new();
    private readonly SlowHpackDecoder _hpack = new(limits.MaxHeaderListBytes, limits.MaxHeaderFields);
    private Http2Settings _settings = new();
    private List<byte>? _block;
    private int _blockStream;
    private int _blockWire;
    private int _continuations;
    private bool _blockEnds;

    public string[] Seen => _sink.Seen;

    public Http2ErrorCode Parse(byte[] bytes)
    {
        ReadOnlySpan<byte> rest = bytes;
        if (isServer)
        {
            int length = Math.Min(24, rest.Length);
            if (!rest[..length].SequenceEqual(FrameWriter.Preface[..length]))
                return Http2ErrorCode.ProtocolError;
            rest = rest[length..];
        }

        for (bool isFirst = true; rest.Length >= 9; isFirst = false)
        {
            int length = rest[0] * 65_536 + rest[1] * 256 + rest[2];
            int type = rest[3];
            int flags = rest[4];
            int stream = (int)(BinaryPrimitives.ReadUInt32BigEndian(rest[5..]) % 0x8000_0000);
            rest = rest[9..];
            Http2ErrorCode error = CheckHeader(isFirst, length, type, flags, stream);
            if (error != Http2ErrorCode.NoError)
                return error;
            ReadOnlySpan<byte> payload = rest[..Math.Min(length, rest.Length)];
            rest = rest[payload.Length..];
            error = type == 0 ? Data(payload, length, flags, stream)
                : payload.Length < length ? Http2ErrorCode.NoError
                : Whole(payload.ToArray(), type, flags, stream);
            if (error != Http2ErrorCode.NoError)
                return error;
        }

        return Http2ErrorCode.NoError;
    }

    private Http2ErrorCode CheckHeader(bool isFirst, int length, int type, int flags, int stream)
    {
        bool ack = flags % 2 == 1;
        if (isFirst && (type != 4 || ack)) return Http2ErrorCode.ProtocolError;
        if (length > limits.MaxFrameSize) return Http2ErrorCode.FrameSizeError;
        if (type is 0 or 1 or 2 or 3 or 9 && stream == 0) return Http2ErrorCode.ProtocolError;
        if (type is 4 or 6 or 7 && stream != 0) return Http2ErrorCode.ProtocolError;
        if (type == 5) return Http2ErrorCode.ProtocolError;
        if (type == 2 && length != 5) return Http2ErrorCode.FrameSizeError;
        if (type is 3 or 8 && length != 4) return Http2ErrorCode.FrameSizeError;
        if (type == 4 && (length % 6 != 0 || (ack && length > 0))) return Http2ErrorCode.FrameSizeError;
        if (type == 6 && length != 8) return Http2ErrorCode.FrameSizeError;
        if (type == 7 && length < 8) return Http2ErrorCode.FrameSizeError;
        if (_block is not null && (type != 9 || stream != _blockStream)) return Http2ErrorCode.ProtocolError;
        if (type == 9 && _block is null) return Http2ErrorCode.ProtocolError;
        if (type == 9 && ++_continuations > limits.MaxContinuationFrames) return Http2ErrorCode.EnhanceYourCalm;
        if (type is 1 or 9 && (_blockWire += length) > limits.MaxHeaderBlockBytes) return Http2ErrorCode.EnhanceYourCalm;
        if (type == 4 && length > limits.MaxSettingsPerFrame * 6) return Http2ErrorCode.EnhanceYourCalm;
        if (type == 0 && (flags & 8) != 0 && length == 0) return Http2ErrorCode.FrameSizeError;
        return Http2ErrorCode.NoError;
    }

    private Http2ErrorCode Data(ReadOnlySpan<byte> arrived, int length, int flags, int stream)
    {
        int padding = 0;
        int dataLength = length;
        ReadOnlySpan<byte> data = arrived;
        if ((flags & 8) != 0)
        {
            if (arrived.IsEmpty) return Http2ErrorCode.NoError;
            padding = arrived[0];
            dataLength = length - 1 - padding;
            if (dataLength < 0) return Http2ErrorCode.ProtocolError;
            data = arrived[1..];
        }

        data = data[..Math.Min(dataLength, data.Length)];
        bool isWhole = arrived.Length == length;
        if (data.IsEmpty && dataLength > 0) return Http2ErrorCode.NoError;
        return _sink.OnData(stream, data, length, isWhole && flags % 2 == 1);
    }

    private Http2ErrorCode Whole(byte[] payload, int type, int flags, int stream)
    {
        switch (type)
        {
            case 1:
                int padding = 0;
                if ((flags & 8) != 0)
                {
                    if (payload.Length < 1) return Http2ErrorCode.FrameSizeError;
                    padding = payload[0];
                    payload = payload[1..];
                }

                if ((flags & 0x20) != 0)
                {
                    if (payload.Length < 5) return Http2ErrorCode.FrameSizeError;
                    payload = payload[5..];
                }

                if (padding > payload.Length) return Http2ErrorCode.ProtocolError;
                _block = [.. payload[..^padding]];
                _blockStream = stream;
                _blockEnds = flags % 2 == 1;
                return EndBlock(flags);
            case 9:
                _block!.AddRange(payload);
                return EndBlock(flags);
            case 3:
                return _sink.OnReset(stream, (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload));
            case 4:
                return flags % 2 == 1 ? _sink.OnSettingsAck() : Settings(payload);
            case 6:
                return _sink.OnPing(BinaryPrimitives.ReadUInt64BigEndian(payload), flags % 2 == 1);
            case 7:
                return _sink.OnGoAway(
                    (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) % 0x8000_0000), (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(4)), payload[8..]);
            case 8:
                int increment = (int)(BinaryPrimitives.ReadUInt32BigEndian(payload) % 0x8000_0000);
                return increment == 0 ? Http2ErrorCode.ProtocolError : _sink.OnWindowUpdate(stream, increment);
            default:
                return Http2ErrorCode.NoError;
        }
    }

    private Http2ErrorCode Settings(byte[] payload)
    {
        Http2Settings now = _settings;
        foreach (byte[] setting in payload.Chunk(6))
        {
            long value = BinaryPrimitives.ReadUInt32BigEndian(setting.AsSpan(2));
            switch (setting[0] * 256 + setting[1])
            {
                case 1:
                    now = now with { HeaderTableSize = (int)Math.Min(value, int.MaxValue) };
                    break;
                case 2:
                    if (value > 1 || (value == 1 && !isServer)) return Http2ErrorCode.ProtocolError;
                    now = now with { EnablePush = value == 1 };
                    break;
                case 3:
                    now = now with { MaxConcurrentStreams = (uint)value };
                    break;
                case 4:
                    if (value > int.MaxValue) return Http2ErrorCode.FlowControlError;
                    now = now with { InitialWindowSize = (int)value };
                    break;
                case 5:
                    if (value is < 16_384 or > 16_777_215) return Http2ErrorCode.ProtocolError;
                    now = now with { MaxFrameSize = (int)value };
                    break;
                case 6:
                    now = now with { MaxHeaderListSize = (uint)value };
                    break;
                case 8:
                    if (value > 1 || (value == 0 && now.EnableConnectProtocol)) return Http2ErrorCode.ProtocolError;
                    now = now with { EnableConnectProtocol = value == 1 };
                    break;
            }
        }

        _settings = now;
        return _sink.OnSettings(now);
    }

    private Http2ErrorCode EndBlock(int flags)
    {
        if ((flags & 4) == 0) return Http2ErrorCode.NoError;
        byte[] block = [.. _block!];
        _block = null;
        _blockWire = _continuations = 0;
        HpackOutcome outcome = _hpack.Decode(block, out List<string> lines);
        if (outcome > HpackOutcome.TooManyFields) return Http2ErrorCode.CompressionError;
        if (outcome != HpackOutcome.Decoded) return _sink.OnHeadersRefused(_blockStream, "");
        var list = new HeaderList();
        foreach (string line in lines)
        {
            int colon = line.IndexOf(": ", StringComparison.Ordinal);
            // The sink prints a list as lines again: where the line is cut does not matter.
            list.Add(System.Text.Encoding.Latin1.GetBytes(line[..colon]), System.Text.Encoding.Latin1.GetBytes(line[(colon + 2)..]));
        }

        return _sink.OnHeaders(_blockStream, list, _blockEnds);
    }
}
