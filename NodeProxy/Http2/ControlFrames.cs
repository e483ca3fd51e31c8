using System.Buffers.Binary;

namespace Ambient.NodeProxy.Http2;

/// <summary>Reads the payloads of the small frames, whose sizes <see cref="FrameRules"/> has checked. Stateless.</summary>
internal static class ControlFrames
{
    private const int SettingSize = 6;

    /// <summary>Hands a PING, GOAWAY, RST_STREAM or WINDOW_UPDATE on.</summary>
    public static FrameParseOutcome HandOn(in FrameHeader frame, ReadOnlySpan<byte> payload, IFrameSink sink)
    {
        Http2ErrorCode answer;
        switch (frame.Type)
        {
            case FrameType.Ping:
                answer = sink.OnPing(BinaryPrimitives.ReadUInt64BigEndian(payload), frame.Has(FrameFlags.Ack));
                break;

            case FrameType.GoAway:
                answer = sink.OnGoAway(Positive(payload), ErrorCode(payload[4..]), payload[8..]);
                break;

            case FrameType.RstStream:
                answer = sink.OnReset(frame.StreamId, ErrorCode(payload));
                break;

            case FrameType.WindowUpdate:
                int increment = Positive(payload);
                // On a stream the RFC asks for a stream error and allows a connection error (section 5.4.1). Answering each
                // with a RST_STREAM of our own is what CVE-2025-8671 feeds on.
                if (increment == 0)
                    return FrameRules.Fail(Http2ErrorCode.ProtocolError, "WINDOW_UPDATE by 0 (RFC 9113 section 6.9)");
                answer = sink.OnWindowUpdate(frame.StreamId, increment);
                break;

            default:
                throw new InvalidOperationException($"{frame.Type} is no control frame.");
        }

        return FrameParser.Answered(answer, frame.Type, frame.StreamId);
    }

    /// <summary>Applies the settings of a frame in their order (RFC 9113 section 6.5.3).</summary>
    public static FrameParseOutcome ReadSettings(ReadOnlySpan<byte> payload, bool fromServer, in Http2Settings before, out Http2Settings now)
    {
        now = before;
        for (; !payload.IsEmpty; payload = payload[SettingSize..])
        {
            var id = (SettingId)BinaryPrimitives.ReadUInt16BigEndian(payload);
            uint value = BinaryPrimitives.ReadUInt32BigEndian(payload[2..]);
            Http2ErrorCode fault = now.Apply(id, value, fromServer, out now);
            if (fault != Http2ErrorCode.NoError)
                return FrameRules.Fail(fault, $"setting {id} may not be {value} (RFC 9113 section 6.5.2)");
        }

        return FrameParseOutcome.Ok;
    }

    private static int Positive(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32BigEndian(bytes) & int.MaxValue;

    private static Http2ErrorCode ErrorCode(ReadOnlySpan<byte> bytes) => (Http2ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(bytes);
}
