using System.Buffers;

namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>
/// Encodes header blocks. It adds nothing to the peer's table: what a tunnel sends differs in every request, and a stateless
/// encoder cannot fall out of step. Source: RFC 7541, section 6.
/// </summary>
public static class HpackEncoder
{
    /// <summary>Writes one header: from the static table if it is there, else as a literal that no intermediary indexes.</summary>
    public static void Encode(IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        var (index, withValue) = StaticTable.Find(name, value);
        if (withValue)
        {
            WriteInteger(output, 0x80, 7, index);
            return;
        }

        WriteInteger(output, 0x00, 4, index);
        if (index == 0) WriteString(output, name);
        WriteString(output, value);
    }

    private static void WriteInteger(IBufferWriter<byte> output, byte pattern, int prefixBits, int value)
    {
        var room = output.GetSpan(6);
        int mask = (1 << prefixBits) - 1;
        int at = 0;
        if (value < mask)
        {
            room[at++] = (byte)(pattern | value);
        }
        else
        {
            room[at++] = (byte)(pattern | mask);
            for (value -= mask; value >= 0x80; value >>= 7) room[at++] = (byte)(value | 0x80);
            room[at++] = (byte)value;
        }

        output.Advance(at);
    }

    private static void WriteString(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        int coded = HuffmanCode.EncodedLength(text);
        if (coded < text.Length)
        {
            WriteInteger(output, 0x80, 7, coded);
            HuffmanCode.Encode(text, output.GetSpan(coded));
            output.Advance(coded);
            return;
        }

        WriteInteger(output, 0x00, 7, text.Length);
        output.Write(text);
    }
}
