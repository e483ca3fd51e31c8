using System.Text;
using Google.Protobuf;

namespace Ambient.Controller.Model;

/// <summary>
/// Pieces of Protocol Buffers messages written by hand, for what is sent too often to make an object of it first. Source: Protocol Buffers,
/// "Encoding".
/// </summary>
internal static class WireBytes
{
    /// <summary>Size of a field of text or bytes with a number below 16; 0 if it is empty, since it is left out then.</summary>
    internal static int SizeOf(int length) => length == 0 ? 0 : 1 + CodedOutputStream.ComputeLengthSize(length) + length;

    /// <inheritdoc cref="SizeOf(int)"/>
    internal static int SizeOf(string text) => SizeOf(Encoding.UTF8.GetByteCount(text));

    /// <summary>Writes such a field.</summary>
    /// <returns>Where it ends.</returns>
    internal static int Put(Span<byte> into, int at, int field, string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        if (length == 0)
            return at;
        at = PutHead(into, at, field, length);
        return at + Encoding.UTF8.GetBytes(text, into[at..]);
    }

    /// <summary>Size of a field of a number, its own number below 16; 0 if it is zero, since it is left out then.</summary>
    internal static int SizeOfNumber(ulong value) => value == 0 ? 0 : 1 + CodedOutputStream.ComputeRawVarint64Size(value);

    /// <summary>Writes such a field.</summary>
    /// <returns>Where it ends.</returns>
    internal static int PutNumber(Span<byte> into, int at, int field, ulong value) =>
        value == 0 ? at : PutVarint(into, PutVarint(into, at, WireFormat.MakeTag(field, WireFormat.WireType.Varint)), value);

    /// <summary>Writes the tag and the length of a field of text, bytes or a message.</summary>
    /// <param name="field">Its number, below 16.</param>
    /// <returns>Where its content begins.</returns>
    internal static int PutHead(Span<byte> into, int at, int field, int length) =>
        PutVarint(into, PutVarint(into, at, WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited)), (uint)length);

    private static int PutVarint(Span<byte> into, int at, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            into[at++] = (byte)(value | 0x80);
        into[at++] = (byte)value;
        return at;
    }
}
