using Ambient.NodeProxy.Http2.Hpack;
using Xunit;

namespace Ambient.Tests.Unit.Http2.Hpack;

/// <summary>RFC 7541 appendix C, all of it.</summary>
public sealed class Rfc7541VectorTests
{
    private const string ShrinkTo256 = "3fe101";

    private static readonly string[][] Requests =
    [
        [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"],
        [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com", "cache-control: no-cache"],
        [":method: GET", ":scheme: https", ":path: /index.html", ":authority: www.example.com", "custom-key: custom-value"],
    ];

    private static readonly string[][] Responses =
    [
        [":status: 302", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"],
        [":status: 307", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:21 GMT", "location: https://www.example.com"],
        [
            ":status: 200", "cache-control: private", "date: Mon, 21 Oct 2013 20:13:22 GMT", "location: https://www.example.com",
            "content-encoding: gzip", "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
        ],
    ];

    private static readonly string[] HuffmanRequests =
    [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];

    private static readonly string[] HuffmanResponses =
    [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];

    [Theory]
    [InlineData(10, 5, "0a")]
    [InlineData(1337, 5, "1f9a0a")]
    [InlineData(42, 8, "2a")]
    public void C1_integers_are_read_and_written_as_printed(int value, int prefixBits, string hex)
    {
        byte[] expected = HeaderText.Hex(hex);
        var room = new byte[HpackInteger.MaxSize];

        Assert.Equal(expected, room[..HpackInteger.Write(room, 0, prefixBits, value)]);
        int at = 0;
        Assert.Equal(HpackOutcome.Decoded, HpackInteger.TryRead(expected, ref at, prefixBits, out int read));
        Assert.Equal((value, expected.Length), (read, at));
    }

    [Theory]
    [InlineData("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572", "custom-key: custom-header", 55, HeaderIndexing.Allowed)]
    [InlineData("040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path", 0, HeaderIndexing.Skipped)]
    [InlineData("1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret", 0, HeaderIndexing.Never)]
    [InlineData("82", ":method: GET", 0, HeaderIndexing.Allowed)]
    public void C2_every_representation_is_read_as_printed(string hex, string field, int tableBytes, HeaderIndexing indexing)
    {
        var decoder = new HpackDecoder();
        var list = new HeaderList();

        Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex(hex), list));

        Assert.Equal([field], HeaderText.Lines(list));
        Assert.Equal(indexing, list[0].Indexing);
        Assert.Equal(tableBytes, decoder.TableBytes);
    }

    [Fact]
    public void C3_requests_without_Huffman_are_read_as_printed() => Reads(
        Requests,
        [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ],
        [57, 110, 164]);

    [Fact]
    public void C4_requests_with_Huffman_are_read_as_printed() => Reads(Requests, HuffmanRequests, [57, 110, 164]);

    [Fact]
    public void C4_requests_with_Huffman_are_written_as_printed()
    {
        var encoder = new HpackEncoder();
        for (int i = 0; i < Requests.Length; i++)
            Assert.Equal(HeaderText.Hex(HuffmanRequests[i]), HeaderText.Encode(encoder, HeaderText.List(Requests[i])));
        Assert.Equal(164, encoder.TableBytes);
    }

    [Fact]
    public void C5_responses_without_Huffman_are_read_as_printed_with_evictions() => Reads(
        Responses,
        [
            ShrinkTo256 + "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "4803 3330 37c1 c0bf",
            "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
        ],
        [222, 222, 215]);

    [Fact]
    public void C6_responses_with_Huffman_are_read_as_printed_with_evictions() => Reads(
        Responses, [ShrinkTo256 + HuffmanResponses[0], HuffmanResponses[1], HuffmanResponses[2]], [222, 222, 215]);

    [Fact]
    public void C6_responses_with_Huffman_are_written_as_printed_with_evictions()
    {
        var encoder = new HpackEncoder(new HpackEncoderOptions { MaxTableBytes = 256, SensitiveNames = [] });
        // "307" takes three bytes either way. The RFC's printer chose Huffman, we choose what is cheaper to read.
        string[] expected = [ShrinkTo256 + HuffmanResponses[0], "4803 3330 37c1 c0bf", HuffmanResponses[2]];
        for (int i = 0; i < Responses.Length; i++)
            Assert.Equal(HeaderText.Hex(expected[i]), HeaderText.Encode(encoder, HeaderText.List(Responses[i])));

        Assert.Equal(215, encoder.TableBytes);
    }

    private static void Reads(string[][] expected, string[] blocks, int[] tableBytes)
    {
        var decoder = new HpackDecoder();
        var list = new HeaderList();
        for (int i = 0; i < blocks.Length; i++)
        {
            Assert.Equal(HpackOutcome.Decoded, decoder.Decode(HeaderText.Hex(blocks[i]), list));
            Assert.Equal(expected[i], HeaderText.Lines(list));
            Assert.Equal(tableBytes[i], decoder.TableBytes);
        }
    }
}
