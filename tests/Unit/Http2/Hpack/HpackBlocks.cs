using System.Text;
using Ambient.NodeProxy.Http2.Hpack;

namespace Ambient.Tests.Unit.Http2.Hpack;

/// <summary>Makes header blocks by chance: mostly meaningful ones, so that tables fill, then a few wrong bytes.</summary>
internal sealed class HpackBlocks(Random random)
{
    private static readonly string[] Names = [":method", ":path", ":authority", "accept", "baggage", "traceparent", "x", "X-Odd", "cookie", ""];

    public byte[] Next(bool mutate)
    {
        var block = new List<byte>();
        if (random.Next(8) == 0)
            Integer(block, 0x20, 5, random.Next(3) == 0 ? random.Next(5_000) : random.Next(200));
        for (int fields = random.Next(12); fields > 0; fields--)
            Field(block);
        if (mutate)
            Mutations.Apply(random, block);
        return [.. block];
    }

    private void Field(List<byte> block)
    {
        switch (random.Next(5))
        {
            case 0:
                Integer(block, 0x80, 7, 1 + random.Next(61));
                break;
            case 1:
                Integer(block, 0x80, 7, 62 + random.Next(8));
                break;
            default:
                (byte pattern, int bits) = random.Next(4) switch { 0 => ((byte)0, 4), 1 => ((byte)0x10, 4), _ => ((byte)0x40, 6) };
                int index = random.Next(3) == 0 ? random.Next(70) : 0;
                Integer(block, pattern, bits, index);
                if (index == 0)
                    Text(block, Names[random.Next(Names.Length)]);
                Text(block, Value());
                break;
        }
    }

    private string Value() => random.Next(12) == 0
        ? new string((char)random.Next(256), random.Next(1_500))
        : string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => (char)(random.Next(6) == 0 ? random.Next(256) : random.Next(32, 127))));

    private void Text(List<byte> block, string text)
    {
        byte[] raw = Encoding.Latin1.GetBytes(text);
        if (random.Next(2) == 0)
        {
            var room = new byte[Huffman.EncodedLength(raw)];
            Integer(block, 0x80, 7, Huffman.Encode(raw, room));
            block.AddRange(room);
            return;
        }

        Integer(block, 0, 7, raw.Length);
        block.AddRange(raw);
    }

    private static void Integer(List<byte> block, byte pattern, int bits, int value)
    {
        var room = new byte[HpackInteger.MaxSize];
        block.AddRange(room[..HpackInteger.Write(room, pattern, bits, value)]);
    }
}
