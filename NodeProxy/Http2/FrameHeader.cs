using System.Buffers.Binary;

namespace Ambient.NodeProxy.Http2;

/// <summary>
/// The nine bytes before every payload (RFC 9113 section 4.1): <c>Length (24) Type (8) Flags (8) R (1) Stream (31)</c>.
/// </summary>
/// <param name="Length">Payload bytes, 0 to 16,777,215.</param>
/// <param name="Type">The frame's type, also one that nobody defined.</param>
/// <param name="Flags">All eight bits as they came.</param>
/// <param name="StreamId">0 (the connection) to 2^31-1; the reserved bit is dropped.</param>
public readonly record struct FrameHeader(int Length, FrameType Type, FrameFlags Flags, int StreamId)
{
    /// <summary>Bytes of a header.</summary>
    public const int Size = 9;

    /// <summary>The largest payload a header can state.</summary>
    public const int MaxLength = 0xFF_FFFF;

    /// <summary>Reads the first <see cref="Size"/> bytes, which must be there.</summary>
    public static FrameHeader Parse(ReadOnlySpan<byte> bytes)
    {
        // One check for all nine bytes; the last access comes first.
        int stream = BinaryPrimitives.ReadInt32BigEndian(bytes.Slice(5, 4)) & int.MaxValue;
        uint lengthAndType = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        return new FrameHeader((int)(lengthAndType >> 8), (FrameType)(byte)lengthAndType, (FrameFlags)bytes[4], stream);
    }

    /// <summary>Writes <see cref="Size"/> bytes at the start of the room given.</summary>
    public void WriteTo(Span<byte> room)
    {
        BinaryPrimitives.WriteInt32BigEndian(room.Slice(5, 4), StreamId);
        BinaryPrimitives.WriteUInt32BigEndian(room, ((uint)Length << 8) | (byte)Type);
        room[4] = (byte)Flags;
    }

    /// <summary>Whether all bits of a flag are set.</summary>
    public bool Has(FrameFlags flag) => (Flags & flag) == flag;
}
