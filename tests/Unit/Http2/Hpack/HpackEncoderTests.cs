using System.Buffers;
using System.Text;
using Ambient.NodeProxy.Http2.Hpack;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Ambient.Tests.Unit.Http2.Hpack;

public sealed class HpackEncoderTests
{
    [Fact]
    public void What_is_encoded_is_decoded_whatever_it_is() =>
        Prop.ForAll<(byte[] Name, byte[] Value, bool IsSecret)[][]>(lists =>
        {
            var encoder = new HpackEncoder(new HpackEncoderOptions { MaxTableBytes = 300 });
            var decoder = new HpackDecoder(maxListBytes: 1 << 20, maxFields: 10_000);
            return lists.All(fields =>
            {
                var list = new HeaderList();
                foreach ((byte[] name, byte[] value, bool isSecret) in fields)
                    list.Add(name, value, isSecret ? HeaderIndexing.Never : HeaderIndexing.Allowed);
                var read = new HeaderList();
                return decoder.Decode(HeaderText.Encode(encoder, list), read) == HpackOutcome.Decoded
                    && HeaderText.Lines(list).SequenceEqual(HeaderText.Lines(read))
                    && encoder.TableBytes == decoder.TableBytes
                    && fields.Index().All(field => !field.Item.IsSecret || read[field.Index].Indexing == HeaderIndexing.Never);
            });
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Encoder_and_decoder_stay_in_step_while_the_peers_limit_moves()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var encoder = new HpackEncoder();
            var decoder = new HpackDecoder();
            var read = new HeaderList();
            for (int i = 0; i < 60; i++)
            {
                for (int changes = random.Next(4) - 1; changes > 0; changes--)
                    encoder.PeerLimitChanged(random.Next(6) == 0 ? int.MaxValue : random.Next(600));
                var list = new HeaderList();
                for (int fields = random.Next(6); fields > 0; fields--)
                    list.Add(Encoding.ASCII.GetBytes($"name-{random.Next(5)}"), Encoding.ASCII.GetBytes(new string('v', random.Next(60))));

                Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Encode(encoder, list), read));

                Assert.True(HeaderText.Lines(list).SequenceEqual(HeaderText.Lines(read)), $"seed {seed}, block {i}");
                Assert.True(encoder.TableBytes == decoder.TableBytes, $"seed {seed}, block {i}");
            }
        }
    }

    [Fact]
    public void A_limit_that_went_down_and_up_is_announced_with_its_lowest_value_first()
    {
        var encoder = new HpackEncoder();
        encoder.PeerLimitChanged(0);
        encoder.PeerLimitChanged(10_000);

        Assert.Equal(HeaderText.Hex("20 3fe11f 82"), HeaderText.Encode(encoder, HeaderText.List(":method: GET")));
        Assert.Equal(HeaderText.Hex("82"), HeaderText.Encode(encoder, HeaderText.List(":method: GET")));
    }

    [Fact]
    public void A_smaller_table_of_our_own_is_announced_in_the_first_block()
    {
        var encoder = new HpackEncoder(new HpackEncoderOptions { MaxTableBytes = 0 });
        var list = HeaderText.List("baggage: x");

        byte[] first = HeaderText.Encode(encoder, list);

        Assert.Equal(0x20, first[0]);
        Assert.Equal(first[1..], HeaderText.Encode(encoder, list));
        Assert.Equal(0, encoder.TableBytes);
    }

    [Theory]
    [InlineData("authorization: Bearer secret")]
    [InlineData("cookie: session=secret")]
    public void Secrets_are_never_indexed_and_stay_literal_when_they_come_again(string line)
    {
        var encoder = new HpackEncoder();
        var read = new HeaderList();
        byte[] first = HeaderText.Encode(encoder, HeaderText.List(line));

        Assert.Equal(first, HeaderText.Encode(encoder, HeaderText.List(line)));
        Assert.Equal(0x10, first[0] & 0xF0);
        Assert.Equal(HpackOutcome.Decoded, new HpackDecoder().Decode(first, read));
        Assert.Equal(HeaderIndexing.Never, read[0].Indexing);

        // Passed on by the next hop, it still is.
        Assert.Equal(first, HeaderText.Encode(new HpackEncoder(new HpackEncoderOptions { SensitiveNames = [] }), read));
    }

    [Fact]
    public void Values_that_hardly_come_twice_stay_out_of_the_table()
    {
        var encoder = new HpackEncoder();
        var list = HeaderText.List("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
        list.Add("huge"u8, new byte[3_500]);
        list.Add("once"u8, "x"u8, HeaderIndexing.Skipped);

        HeaderText.Encode(encoder, list);

        Assert.Equal(0, encoder.TableBytes);
    }

    [Fact]
    public void A_connect_that_comes_again_takes_few_bytes()
    {
        var encoder = new HpackEncoder();
        var list = HeaderText.List(
            ":method: CONNECT", ":authority: 10.1.2.3:8080", "baggage: k8s.cluster.name=c,k8s.namespace.name=shop,k8s.deployment.name=cart,service.name=cart");

        Assert.True(HeaderText.Encode(encoder, list).Length > 60);
        Assert.Equal(3, HeaderText.Encode(encoder, list).Length);
    }

    [Fact]
    public void Fields_written_without_a_table_are_read_as_they_are()
    {
        var output = new ArrayBufferWriter<byte>();
        HpackEncoder.Encode(output, ":method"u8, "GET"u8);
        HpackEncoder.Encode(output, ":authority"u8, "10.1.2.3:80"u8);
        HpackEncoder.Encode(output, "x"u8, "\u0001\u0002"u8);
        var decoder = new HpackDecoder();
        var read = new HeaderList();

        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(output.WrittenSpan, read));

        Assert.Equal([":method: GET", ":authority: 10.1.2.3:80", "x: \u0001\u0002"], HeaderText.Lines(read));
        Assert.Equal(0, decoder.TableBytes);
    }

    [Fact]
    public void Too_little_room_is_a_bug_that_shows() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new HpackEncoder().Encode(HeaderText.List("a: b"), new byte[3]));
}
