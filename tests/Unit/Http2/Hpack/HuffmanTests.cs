using System.Reflection;
using Ambient.NodeProxy.Http2.Hpack;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Ambient.Tests.Unit.Http2.Hpack;

public sealed class HuffmanTests
{
    private delegate int PlatformDecode(ReadOnlySpan<byte> source, ref byte[] target);

    [Fact]
    public void Every_text_survives() =>
        Prop.ForAll<byte[]>(text => Decode(Encode(text)) is { } read && read.SequenceEqual(text)).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_pair_of_symbols_survives()
    {
        for (int i = 0; i < 65_536; i++)
        {
            byte[] text = [(byte)(i >> 8), (byte)i];
            Assert.Equal(text, Decode(Encode(text)));
        }
    }

    [Fact]
    public void The_code_is_complete_and_EOS_is_thirty_ones()
    {
        Assert.Equal(1UL << 30, HuffmanCode.Lengths.ToArray().Aggregate(0UL, (sum, bits) => sum + (1UL << (30 - bits))));
        Assert.Equal((1u << 30) - 1, HuffmanCode.CodeOf(HuffmanCode.EndOfString));
    }

    [Fact]
    public void The_platforms_own_decoder_reads_every_symbol_as_we_wrote_it()
    {
        MethodInfo? method = Assembly.Load("System.Net.Http").GetType("System.Net.Http.HPack.Huffman")
            ?.GetMethod("Decode", BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic);
        Assert.SkipWhen(method is null, "This .NET keeps its Huffman decoder elsewhere.");
        var decode = method.CreateDelegate<PlatformDecode>();
        for (int symbol = 0; symbol < 256; symbol++)
        {
            byte[] text = [(byte)symbol, (byte)'a', (byte)(255 - symbol)];
            byte[] read = new byte[64];
            int length = decode(Encode(text), ref read);
            Assert.Equal(text, read[..length]);
        }
    }

    private static byte[] Encode(byte[] text)
    {
        var room = new byte[Huffman.EncodedLength(text)];
        Assert.Equal(room.Length, Huffman.Encode(text, room));
        return room;
    }

    private static byte[]? Decode(byte[] encoded)
    {
        var room = new byte[Huffman.MaxDecodedLength(encoded.Length)];
        int length = Huffman.Decode(encoded, room);
        return length < 0 ? null : room[..length];
    }
}
