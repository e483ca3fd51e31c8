using Ambient.NodeProxy.Http2.Hpack;
using Xunit;

namespace Ambient.Tests.Unit.Http2.Hpack;

public sealed class HpackTwinTests
{
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 100_000)]
    public void The_decoder_and_its_slow_twin_agree_on_every_block_of_a_connection(bool mutate, int firstSeed)
    {
        for (int seed = firstSeed; seed < firstSeed + 1_500; seed++)
        {
            var random = new Random(seed);
            var blocks = new HpackBlocks(random);
            var decoder = new HpackDecoder(maxListBytes: 2_000, maxFields: 8);
            var twin = new SlowHpackDecoder(maxListBytes: 2_000, maxFields: 8);
            var list = new HeaderList();
            for (int number = 0; number < 12; number++)
            {
                byte[] block = blocks.Next(mutate && random.Next(3) == 0);
                HpackOutcome expected = twin.Decode(block, out List<string> lines);
                string where = $"seed {seed}, block {number}: {Convert.ToHexString(block)}";

                Assert.True(expected == decoder.Decode(block, list), $"{where}: not {expected}");

                Assert.True(lines.SequenceEqual(HeaderText.Lines(list)), $"{where}: other fields");
                if (expected > HpackOutcome.TooManyFields)
                    break;
                Assert.True(twin.TableBytes == decoder.TableBytes, $"{where}: other table");
            }
        }
    }

    [Fact]
    public void Huffman_and_its_slow_twin_agree_on_random_bytes()
    {
        for (int seed = 0; seed < 20_000; seed++)
        {
            var random = new Random(seed);
            var text = new byte[random.Next(12)];
            random.NextBytes(text);
            if (random.Next(2) == 0)
                text.AsSpan(text.Length / 2).Fill(0xFF);
            byte[] block = [0x00, 0x01, (byte)'n', (byte)(0x80 | text.Length), .. text];
            var list = new HeaderList();

            HpackOutcome expected = new SlowHpackDecoder(10_000, 10).Decode(block, out List<string> lines);

            Assert.True(expected == new HpackDecoder().Decode(block, list), $"seed {seed}: {Convert.ToHexString(text)}");
            Assert.True(lines.SequenceEqual(HeaderText.Lines(list)), $"seed {seed}: {Convert.ToHexString(text)}");
        }
    }
}
