using Ambient.NodeProxy.Http2.Hpack;
using Xunit;

namespace Ambient.Tests.Unit.Http2.Hpack;

public sealed class HpackDecoderTests
{
    [Theory]
    [InlineData("80", HpackOutcome.UnknownIndex)]                           // index 0
    [InlineData("be", HpackOutcome.UnknownIndex)]                           // 62 in an empty table
    [InlineData("7f00 01 61", HpackOutcome.UnknownIndex)]                   // a name at 63
    [InlineData("ff", HpackOutcome.Truncated)]
    [InlineData("ff80808080", HpackOutcome.Truncated)]
    [InlineData("40", HpackOutcome.Truncated)]
    [InlineData("4001", HpackOutcome.Truncated)]
    [InlineData("400161", HpackOutcome.Truncated)]
    [InlineData("4001610261", HpackOutcome.Truncated)]
    [InlineData("ffffffffff0f", HpackOutcome.IntegerTooLarge)]              // 2^32 and more
    [InlineData("ff808080808000", HpackOutcome.IntegerTooLarge)]            // zeros without end
    [InlineData("ff81ffffff07", HpackOutcome.IntegerTooLarge)]              // 2^31
    [InlineData("ff80ffffff07", HpackOutcome.UnknownIndex)]                 // 2^31 - 1
    [InlineData("007fffffffff07", HpackOutcome.IntegerTooLarge)]            // a string of more than 2 GiB
    [InlineData("007f80ffffff07", HpackOutcome.Truncated)]                  // a string of 2 GiB - 1
    [InlineData("00016184ffffffff", HpackOutcome.BadHuffman)]               // EOS
    [InlineData("00016181ff", HpackOutcome.BadHuffman)]                     // 8 bits of padding
    [InlineData("000161821fff", HpackOutcome.BadHuffman)]                   // "a" and 11 bits of padding
    [InlineData("00016181 18", HpackOutcome.BadHuffman)]                    // "a" padded with zeros
    [InlineData("00016181 1f", HpackOutcome.Decoded)]                       // "a"
    [InlineData("00016180", HpackOutcome.Decoded)]                          // nothing, in Huffman
    [InlineData("3fe21f", HpackOutcome.TableSizeTooLarge)]                  // 4,097
    [InlineData("3fe11f", HpackOutcome.Decoded)]                            // 4,096
    [InlineData("20203fe11f", HpackOutcome.Decoded)]                        // several at the start
    [InlineData("8220", HpackOutcome.TableSizeMisplaced)]
    [InlineData("", HpackOutcome.Decoded)]
    public void Blocks_are_judged(string hex, HpackOutcome expected) =>
        Assert.Equal(expected, new HpackDecoder().Decode(HeaderText.Hex(hex), new HeaderList()));

    [Fact]
    public void An_entry_larger_than_the_table_empties_it_and_is_still_a_field()
    {
        var decoder = new HpackDecoder();
        var list = new HeaderList();
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("4001610162"), list));
        Assert.Equal(34, decoder.TableBytes);

        byte[] block = [0x40, 1, (byte)'a', 0x7F, 0x81, 0x3F, .. new byte[127 + 1 + (63 << 7)]];
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(block, list));

        Assert.Equal(0, decoder.TableBytes);
        Assert.Equal(8_192, list[0].Value.Length);
    }

    [Fact]
    public void A_name_may_come_from_the_entry_that_its_own_insertion_evicts()
    {
        var decoder = new HpackDecoder();
        var list = new HeaderList();
        // Room for one entry of 40 bytes; the second takes its name from the first (RFC 7541 section 4.4).
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("3f09 4004 6e616d65 0431323334"), list));
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("7e 0435363738"), list));
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("be"), list));
        Assert.Equal(["name: 5678"], HeaderText.Lines(list));
    }

    [Fact]
    public void A_bomb_of_one_byte_references_is_refused_without_unfolding_it()
    {
        var decoder = new HpackDecoder();
        var list = new HeaderList();
        byte[] entry = [0x40, 1, (byte)'a', 0x7F, 0xE0, 0x1E, .. new byte[127 + 0x60 + (0x1E << 7)]];
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(entry, list));
        byte[] bomb = new byte[65_000];
        Array.Fill(bomb, (byte)0xBE);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(HpackOutcome.ListTooLarge, decoder.Decode(bomb, list));

        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 64 * 1024);
        Assert.True(list.Size <= 16_384);
    }

    [Fact]
    public void Very_many_small_fields_are_refused_by_their_number()
    {
        byte[] crumbs = new byte[129];
        Array.Fill(crumbs, (byte)0x82);
        Assert.Equal(HpackOutcome.TooManyFields, new HpackDecoder().Decode(crumbs, new HeaderList()));
        Assert.Equal(HpackOutcome.Decoded, new HpackDecoder().Decode(crumbs.AsSpan(1), new HeaderList()));
    }

    [Fact]
    public void A_lowered_table_size_binds_only_after_it_was_acknowledged_and_then_before_the_table_is_used()
    {
        var decoder = new HpackDecoder(advertisedTableBytes: 100);
        var list = new HeaderList();
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("3fe11f 4001610162"), list));

        decoder.LimitAcknowledged();

        // Encoders that never use the table ignore the setting; HttpClient's is one.
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("82 00016100"), list));
        Assert.Equal(HpackOutcome.TableSizeMissing, decoder.Decode(HeaderText.Hex("4001610162"), list));
        Assert.Equal(HpackOutcome.TableSizeMissing, decoder.Decode(HeaderText.Hex("be"), list));
        Assert.Equal(HpackOutcome.TableSizeMissing, decoder.Decode(HeaderText.Hex("0f2f00"), list));
        Assert.Equal(HpackOutcome.TableSizeTooLarge, decoder.Decode(HeaderText.Hex("3f4682"), list));   // 101
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("3f4582"), list));             // 100
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("82"), list));
    }

    [Fact]
    public void A_raised_table_size_may_be_used_at_once()
    {
        var decoder = new HpackDecoder(advertisedTableBytes: 8_192);
        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex("3fe13f82"), new HeaderList()));            // 8,192
        Assert.Equal(HpackOutcome.TableSizeTooLarge, decoder.Decode(HeaderText.Hex("3fe23f82"), new HeaderList()));
    }

    [Fact]
    public void Games_with_the_table_size_cost_no_memory()
    {
        var decoder = new HpackDecoder();
        var list = new HeaderList();
        byte[] block = HeaderText.Hex("20 3fe11f 4001610162");
        for (int i = 0; i < 1_000; i++)
            Assert.Equal(HpackOutcome.Decoded, decoder.Decode(block, list));
        Assert.Equal(34, decoder.TableBytes);
    }

    [Fact]
    public void Reading_the_same_connect_again_and_again_allocates_nothing()
    {
        var encoder = new HpackEncoder();
        var decoder = new HpackDecoder();
        var list = HeaderText.List(
            ":method: CONNECT", ":authority: 10.1.2.3:8080", "forwarded: for=\"10.9.8.7:43210\"", "baggage: k8s.namespace.name=shop,service.name=cart",
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        var read = new HeaderList();
        var room = new byte[HpackEncoder.MaxEncodedLength(list)];
        void Turn()
        {
            int length = encoder.Encode(list, room);
            if (decoder.Decode(room.AsSpan(0, length), read) != HpackOutcome.Decoded || read.Count != 5)
                throw new InvalidOperationException();
        }

        for (int i = 0; i < 1_000; i++)
            Turn();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            Turn();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void A_table_that_turns_over_again_and_again_allocates_nothing_more()
    {
        var encoder = new HpackEncoder();
        var decoder = new HpackDecoder();
        var list = new HeaderList();
        var read = new HeaderList();
        var room = new byte[1_000];
        var value = new byte[40];
        void Turn(int i)
        {
            value.AsSpan().Fill((byte)('a' + i % 26));
            value[i / 26 % 40] = (byte)'0';
            list.Clear();
            list.Add("x-turning"u8, value);
            int length = encoder.Encode(list, room);
            if (decoder.Decode(room.AsSpan(0, length), read) != HpackOutcome.Decoded || !read[0].Value.SequenceEqual(value))
                throw new InvalidOperationException();
        }

        for (int i = 0; i < 2_000; i++)
            Turn(i);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 5_000; i++)
            Turn(i);

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(encoder.TableBytes, decoder.TableBytes);
    }
}
