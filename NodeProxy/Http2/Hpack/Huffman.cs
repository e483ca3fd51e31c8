using System.Buffers.Binary;

namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>Huffman strings (RFC 7541 section 5.2).</summary>
internal static class Huffman
{
    /// <summary>The most bytes that a string can unfold to: its shortest code has 5 bits.</summary>
    public static int MaxDecodedLength(int encodedLength) => (int)((long)encodedLength * 8 / 5);

    /// <summary>Bytes of a string when it is encoded.</summary>
    public static int EncodedLength(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> lengths = HuffmanCode.Lengths;
        long bits = 0;
        foreach (byte symbol in text)
            bits += lengths[symbol];
        return (int)((bits + 7) / 8);
    }

    /// <summary>Encodes a string.</summary>
    /// <param name="text">Any bytes.</param>
    /// <param name="room">At least <see cref="EncodedLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    public static int Encode(ReadOnlySpan<byte> text, Span<byte> room)
    {
        ReadOnlySpan<byte> lengths = HuffmanCode.Lengths;
        ulong pending = 0;      // the lowest `count` bits wait to be written; before a symbol at most 31
        int count = 0;
        int at = 0;
        foreach (byte symbol in text)
        {
            int bits = lengths[symbol];
            pending = (pending << bits) | HuffmanCode.CodeOf(symbol);
            count += bits;
            if (count >= 32)
            {
                count -= 32;
                BinaryPrimitives.WriteUInt32BigEndian(room[at..], (uint)(pending >> count));
                at += 4;
            }
        }

        while (count >= 8)
        {
            count -= 8;
            room[at++] = (byte)(pending >> count);
        }

        if (count > 0)
            room[at++] = (byte)((pending << (8 - count)) | (0xFFu >> count));
        return at;
    }

    /// <summary>Decodes a string.</summary>
    /// <param name="encoded">Exactly the string.</param>
    /// <param name="room">At least <see cref="MaxDecodedLength"/> bytes.</param>
    /// <returns>Bytes written; -1 when it holds the end of string, or padding that is longer than 7 bits or not all ones.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, Span<byte> room)
    {
        ReadOnlySpan<ushort> quick = HuffmanCode.Quick;
        ulong window = ulong.MaxValue;      // the next bits at the top; ones behind the last, as padding would be
        int have = 0;
        int from = 0;
        int at = 0;
        while (true)
        {
            if (have <= 32 && from < encoded.Length)
                Refill(encoded, ref from, ref window, ref have);

            int symbol = quick[(int)(window >> (64 - HuffmanCode.QuickBits))];
            int bits = symbol & 0xF;
            symbol >>= 4;
            if (bits == 0)
                symbol = HuffmanCode.Find((uint)(window >> 32), out bits);
            if (bits > have)
            {
                // Less than a code is left: only padding may be there (section 5.2). Ones follow it in the window.
                return have < 8 && window == ulong.MaxValue ? at : -1;
            }

            if (symbol == HuffmanCode.EndOfString)
                return -1;
            room[at++] = (byte)symbol;
            window = (window << bits) | ((1UL << bits) - 1);
            have -= bits;
        }
    }

    private static void Refill(ReadOnlySpan<byte> encoded, ref int from, ref ulong window, ref int have)
    {
        if (encoded.Length - from >= 4)
        {
            ulong next = BinaryPrimitives.ReadUInt32BigEndian(encoded[from..]);
            window &= ~(0xFFFF_FFFFUL << (32 - have)) | (next << (32 - have));
            from += 4;
            have += 32;
            return;
        }

        for (; from < encoded.Length; from++, have += 8)
            window &= ~(0xFFUL << (56 - have)) | ((ulong)encoded[from] << (56 - have));
    }
}
