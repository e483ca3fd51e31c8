namespace Ambient.NodeProxy.Http2.Hpack;

/// <summary>Integers with an N-bit prefix (RFC 7541 section 5.1), bounded to 31 bits.</summary>
internal static class HpackInteger
{
    /// <summary>The most bytes that an integer takes when written here.</summary>
    public const int MaxSize = 6;

    // Five bytes of seven bits hold 31 bits. A sixth can only hold zeros or an overflow, and padding has no honest use.
    private const int MaxContinuationBytes = 5;

    /// <summary>Reads an integer and moves past it.</summary>
    /// <param name="block">The block; its length is its end, since blocks are decoded whole.</param>
    /// <param name="at">Index of the byte with the prefix; afterwards of the byte behind the integer.</param>
    /// <param name="prefixBits">1 to 8.</param>
    /// <param name="value">0 to 2^31-1.</param>
    public static HpackOutcome TryRead(ReadOnlySpan<byte> block, ref int at, int prefixBits, out int value)
    {
        int mask = (1 << prefixBits) - 1;
        value = block[at++] & mask;
        return value < mask ? HpackOutcome.Decoded : TryReadContinued(block, ref at, ref value);
    }

    /// <summary>Writes an integer.</summary>
    /// <param name="room">At least <see cref="MaxSize"/> bytes.</param>
    /// <param name="pattern">The bits above the prefix.</param>
    /// <param name="prefixBits">1 to 8.</param>
    /// <param name="value">Not negative.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> room, byte pattern, int prefixBits, int value)
    {
        int mask = (1 << prefixBits) - 1;
        if (value < mask)
        {
            room[0] = (byte)(pattern | value);
            return 1;
        }

        room[0] = (byte)(pattern | mask);
        int at = 1;
        uint rest = (uint)(value - mask);
        for (; rest >= 0x80; rest >>= 7)
            room[at++] = (byte)(rest | 0x80);
        room[at++] = (byte)rest;
        return at;
    }

    private static HpackOutcome TryReadContinued(ReadOnlySpan<byte> block, ref int at, ref int value)
    {
        long sum = value;
        for (int i = 0; i < MaxContinuationBytes; i++)
        {
            if (at == block.Length)
                return HpackOutcome.Truncated;
            byte next = block[at++];
            sum += (long)(next & 0x7F) << (7 * i);
            if (next < 0x80)
            {
                value = (int)sum;
                return sum <= int.MaxValue ? HpackOutcome.Decoded : HpackOutcome.IntegerTooLarge;
            }
        }

        return HpackOutcome.IntegerTooLarge;
    }
}
