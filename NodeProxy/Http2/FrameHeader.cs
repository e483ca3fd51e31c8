using System.Buffers.Binary;

namespace Ambient.NodeProxy.Http2;

/// <summary>The nine bytes before each frame. Source: RFC 9113, section 4.1.</summary>
/// <param name="Length">Payload length in bytes, 0 to 2^24-1.</param>
/// <param name="Type">May be a type that this version does not know.</param>
/// <param name="Flags">As received.</param>
/// <param name="StreamId">31 bits; the reserved bit is dropped.</param>
public readonly record struct FrameHeader(int Length, FrameType Type, FrameFlags Flags, int StreamId)
{
    /// <summary>Its size in bytes.</summary>
    public const int Size = 9;

    /// <summary>Reads it from the first nine bytes.</summary>
    public static FrameHeader Parse(ReadOnlySpan<byte> bytes) => new(
        (bytes[0] << 16) | (bytes[1] << 8) | bytes[2], (FrameType)bytes[3], (FrameFlags)bytes[4],
        BinaryPrimitives.ReadInt32BigEndian(bytes[5..]) & int.MaxValue);

    /// <summary>Writes it to the first nine bytes.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        bytes[0] = (byte)(Length >> 16);
        bytes[1] = (byte)(Length >> 8);
        bytes[2] = (byte)Length;
        bytes[3] = (byte)Type;
        bytes[4] = (byte)Flags;
        BinaryPrimitives.WriteInt32BigEndian(bytes[5..], StreamId);
    }
}
