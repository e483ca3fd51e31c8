using System.Buffers.Binary;

namespace Ambient.Cli.App;

/// <summary>
/// What stands before a request of the demo's apps: "AMBT", 4 bytes of zero, then pattern seed, bytes of request and bytes of answer as
/// 64-bit numbers, big endian. Request and answer are that many bytes of the pattern.
/// </summary>
internal readonly record struct RequestHead(ulong Seed, long RequestBytes, long AnswerBytes)
{
    /// <summary>Length on the wire.</summary>
    public const int Bytes = 32;

    private const uint Magic = 0x414d4254;

    /// <summary>Writes it.</summary>
    /// <param name="to">At least <see cref="Bytes"/> long.</param>
    public void Write(Span<byte> to)
    {
        to[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(to, Magic);
        BinaryPrimitives.WriteUInt64BigEndian(to[8..], Seed);
        BinaryPrimitives.WriteInt64BigEndian(to[16..], RequestBytes);
        BinaryPrimitives.WriteInt64BigEndian(to[24..], AnswerBytes);
    }

    /// <summary>Reads it.</summary>
    /// <returns>False if it is something else.</returns>
    public static bool TryRead(ReadOnlySpan<byte> from, out RequestHead head)
    {
        head = default;
        if (from.Length < Bytes || BinaryPrimitives.ReadUInt32BigEndian(from) != Magic) return false;
        head = new RequestHead(
            BinaryPrimitives.ReadUInt64BigEndian(from[8..]), BinaryPrimitives.ReadInt64BigEndian(from[16..]), BinaryPrimitives.ReadInt64BigEndian(from[24..]));
        return head is { RequestBytes: >= 0, AnswerBytes: >= 0 };
    }
}
