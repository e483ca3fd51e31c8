using System.Buffers;

namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>
/// The static Huffman code. It is canonical, so that the lengths are the whole table: codes are handed out by length, then by
/// symbol. Source: RFC 7541, section 5.2 and appendix B.
/// </summary>
internal static class HuffmanCode
{
    private const int EndOfString = 256;
    private const int LongestBits = 30;

    private static readonly uint[] Codes = new uint[257];

    // For each length: the first code, the number of codes, and where their symbols begin in order of code.
    private static readonly uint[] FirstCode = new uint[LongestBits + 1];
    private static readonly int[] Count = new int[LongestBits + 1];
    private static readonly int[] FirstIndex = new int[LongestBits + 1];
    private static readonly ushort[] Symbols = new ushort[257];

    static HuffmanCode()
    {
        uint code = 0;
        int index = 0;
        for (int bits = 1; bits <= LongestBits; bits++)
        {
            code <<= 1;
            FirstCode[bits] = code;
            FirstIndex[bits] = index;
            for (int symbol = 0; symbol <= EndOfString; symbol++)
            {
                if (Lengths[symbol] != bits) continue;
                Codes[symbol] = code++;
                Symbols[index++] = (ushort)symbol;
                Count[bits]++;
            }
        }
    }

    private static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    /// <summary>How many bytes a text takes when coded.</summary>
    public static int EncodedLength(ReadOnlySpan<byte> text)
    {
        long bits = 0;
        foreach (byte symbol in text) bits += Lengths[symbol];
        return (int)((bits + 7) / 8);
    }

    /// <summary>Codes a text; the last byte is filled up with ones.</summary>
    public static void Encode(ReadOnlySpan<byte> text, Span<byte> output)
    {
        ulong pending = 0;
        int bits = 0;
        int at = 0;
        foreach (byte symbol in text)
        {
            pending = (pending << Lengths[symbol]) | Codes[symbol];
            bits += Lengths[symbol];
            while (bits >= 8)
            {
                bits -= 8;
                output[at++] = (byte)(pending >> bits);
            }
        }

        if (bits > 0) output[at] = (byte)((pending << (8 - bits)) | (0xffu >> bits));
    }

    /// <summary>Decodes a text. A text grows by at most 8/5.</summary>
    /// <returns>False for the end-of-string symbol, for padding longer than seven bits or not of ones.</returns>
    public static bool TryDecode(ReadOnlySpan<byte> coded, Span<byte> output, out int written)
    {
        written = 0;
        uint code = 0;
        int bits = 0;
        foreach (byte b in coded)
        {
            for (int bit = 7; bit >= 0; bit--)
            {
                code = (code << 1) | (uint)((b >> bit) & 1);
                bits++;
                if (bits > LongestBits) return false;
                uint offset = code - FirstCode[bits];
                if (code < FirstCode[bits] || offset >= (uint)Count[bits]) continue;
                int symbol = Symbols[FirstIndex[bits] + (int)offset];
                if (symbol == EndOfString || written == output.Length) return false;
                output[written++] = (byte)symbol;
                code = 0;
                bits = 0;
            }
        }

        return bits < 8 && code == (1u << bits) - 1;
    }
}
