namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>
/// The code of RFC 7541 appendix B. It is canonical: codes of one length are consecutive in the order of their symbols, and
/// shorter ones come first, so that the lengths alone determine it.
/// </summary>
internal static class HuffmanCode
{
    /// <summary>The symbol that ends a code and may never be sent.</summary>
    public const int EndOfString = 256;

    /// <summary>Bits of the longest code.</summary>
    public const int MaxBits = 30;

    /// <summary>Bits that <see cref="Quick"/> is indexed with: all letters and digits have at most 8.</summary>
    public const int QuickBits = 9;

    private const int MinBits = 5;

    private static readonly uint[] Codes = new uint[EndOfString + 1];
    private static readonly ushort[] BySize = new ushort[EndOfString + 1];
    private static readonly ushort[] QuickTable = new ushort[1 << QuickBits];
    private static readonly uint[] FirstCode = new uint[MaxBits + 2];
    private static readonly int[] FirstPlace = new int[MaxBits + 2];

    static HuffmanCode()
    {
        uint code = 0;
        int place = 0;
        for (int bits = MinBits; bits <= MaxBits; bits++, code <<= 1)
        {
            FirstCode[bits] = code;
            FirstPlace[bits] = place;
            for (int symbol = 0; symbol <= EndOfString; symbol++)
            {
                if (Lengths[symbol] != bits)
                    continue;
                Codes[symbol] = code;
                BySize[place++] = (ushort)symbol;
                if (bits <= QuickBits)
                    QuickTable.AsSpan((int)code << (QuickBits - bits), 1 << (QuickBits - bits)).Fill((ushort)((symbol << 4) | bits));
                code++;
            }
        }

        FirstPlace[MaxBits + 1] = place;
    }

    /// <summary>Bits of each symbol's code, the end of string last.</summary>
    public static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    /// <summary>For each value of the next 9 bits: symbol * 16 + bits of its code, or 0 when the code is longer.</summary>
    public static ReadOnlySpan<ushort> Quick => QuickTable;

    /// <summary>The code of a symbol, in its lowest bits.</summary>
    public static uint CodeOf(int symbol) => Codes[symbol];

    /// <summary>Finds the symbol whose code begins 32 bits. There always is one, since the code is complete.</summary>
    public static int Find(uint bits32, out int bits)
    {
        for (bits = QuickBits + 1; bits < MaxBits; bits++)
        {
            uint offset = (bits32 >> (32 - bits)) - FirstCode[bits];
            if (offset < (uint)(FirstPlace[bits + 1] - FirstPlace[bits]))
                return BySize[FirstPlace[bits] + (int)offset];
        }

        return BySize[FirstPlace[MaxBits] + (int)((bits32 >> (32 - MaxBits)) - FirstCode[MaxBits])];
    }
}
