using Ambient.NodeProxy.Http2;
using Ambient.Tests.Unit.Http2.Hpack;
using Xunit;

namespace Ambient.Tests.Unit.Http2;

public sealed class FrameTwinTests
{
    // Small limits, so that chance reaches them. Budgets have their own tests and would only end the runs early.
    private static readonly FrameParserLimits Limits = new()
    {
        MaxHeaderListBytes = 2_000, MaxHeaderFields = 8, MaxHeaderBlockBytes = 3_000, MaxContinuationFrames = 3, MaxSettingsPerFrame = 4,
        Flood = new FloodLimits
        {
            EmptyFrames = Plenty, Settings = Plenty, Pings = Plenty, PeerResets = Plenty, Priorities = Plenty, UnknownFrames = Plenty,
        },
    };

    private static FloodBudget Plenty => new(1_000_000, 1);

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1_000_000)]
    public void The_parser_and_its_slow_twin_agree_and_however_the_bytes_are_cut(bool mutate, int firstSeed)
    {
        for (int seed = firstSeed; seed < firstSeed + 4_000; seed++)
        {
            var random = new Random(seed);
            bool isServer = random.Next(2) == 0;
            byte[] bytes = Connection(random, isServer, mutate);
            var twin = new SlowFrameParser(Limits, isServer);
            Http2ErrorCode expected = twin.Parse(bytes);

            (Http2ErrorCode whole, string[] seenWhole) = Run(bytes, isServer, () => bytes.Length);
            (Http2ErrorCode pieces, string[] seenPieces) = Run(bytes, isServer, () => 1 + random.Next(40));
            (Http2ErrorCode single, string[] seenSingle) = Run(bytes, isServer, () => 1);

            string where = $"seed {seed}, server {isServer}: {Convert.ToHexString(bytes)}";
            Assert.True(expected == whole, $"whole: {whole} and not {expected}; {where}");
            Assert.True(twin.Seen.SequenceEqual(seenWhole), $"whole: {string.Join('\n', seenWhole)}\nand not {string.Join('\n', twin.Seen)}; {where}");
            Assert.True(expected == pieces && seenWhole.SequenceEqual(seenPieces), $"pieces differ; {where}");
            Assert.True(expected == single && seenWhole.SequenceEqual(seenSingle), $"single bytes differ; {where}");
        }
    }

    [Fact]
    public void Noise_is_judged_the_same_by_both()
    {
        for (int seed = 0; seed < 3_000; seed++)
        {
            var random = new Random(seed);
            var noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            for (int i = 0; i < noise.Length; i += 1 + random.Next(3))
                noise[i] = (byte)random.Next(10);
            byte[] bytes = [.. FrameBytes.FromServer().ToArray(), .. noise];
            var twin = new SlowFrameParser(Limits, isServer: false);

            Http2ErrorCode expected = twin.Parse(bytes);
            (Http2ErrorCode actual, string[] seen) = Run(bytes, isServer: false, () => 1 + random.Next(10));

            Assert.True(expected == actual && twin.Seen.SequenceEqual(seen), $"seed {seed}: {expected}, {actual}: {Convert.ToHexString(bytes)}");
        }
    }

    private static (Http2ErrorCode Error, string[] Seen) Run(byte[] bytes, bool isServer, Func<int> pieceLength)
    {
        var sink = new RecordingSink();
        var parser = new FrameParser(Limits, isServer);
        FrameParseOutcome outcome = FrameParseOutcome.Ok;
        for (int at = 0; at < bytes.Length && outcome.IsOk;)
        {
            int length = Math.Min(pieceLength(), bytes.Length - at);
            outcome = parser.Feed(bytes.AsSpan(at, length), sink, 0);
            at += length;
        }

        return (outcome.Error, sink.Seen);
    }

    private static byte[] Connection(Random random, bool isServer, bool mutate)
    {
        FrameBytes bytes = isServer ? FrameBytes.FromClient() : FrameBytes.FromServer();
        var blocks = new HpackBlocks(random);
        for (int frames = random.Next(15); frames > 0; frames--)
            Frame(random, bytes, blocks, mutate);
        if (!mutate)
            return bytes.ToArray();
        var damaged = new List<byte>(bytes.ToArray());
        Mutations.Apply(random, damaged);
        return [.. damaged];
    }

    private static void Frame(Random random, FrameBytes bytes, HpackBlocks blocks, bool mutate)
    {
        int stream = random.Next(mutate ? 4 : 3) + (mutate ? 0 : 1);
        switch (random.Next(10))
        {
            case 0 or 1 or 2:
                int padding = random.Next(4);
                byte[] data = Bytes(random, random.Next(60));
                if (random.Next(2) == 0)
                    bytes.Frame(FrameType.Data, random.Next(2), stream, data);
                else
                    bytes.Frame(FrameType.Data, 8 | random.Next(2), stream, [(byte)padding, .. data, .. new byte[padding]]);
                break;
            case 3 or 4 or 5:
                byte[] block = blocks.Next(mutate && random.Next(4) == 0);
                int pieces = random.Next(4);
                int first = pieces == 0 ? block.Length : random.Next(block.Length + 1);
                byte[] head = random.Next(3) == 0 ? [2, 0, 0, 0, 0, 0, .. block[..first], 0, 0] : block[..first];
                int flags = (head.Length == first ? 0 : 0x28) | random.Next(2);
                bytes.Frame(FrameType.Headers, pieces == 0 ? flags | 4 : flags, stream, head);
                for (; pieces > 0; pieces--)
                {
                    int next = pieces == 1 ? block.Length : first + random.Next(block.Length - first + 1);
                    bytes.Frame(FrameType.Continuation, pieces == 1 ? 4 : 0, stream, block[first..next]);
                    first = next;
                }

                break;
            case 6:
                bytes.Settings([.. Enumerable.Range(0, random.Next(6)).SelectMany(_ => Setting(random))]);
                break;
            case 7:
                bytes.Write(o => FrameWriter.WritePing(o, (ulong)random.NextInt64(), random.Next(2) == 0));
                break;
            case 8:
                bytes.Frame((FrameType)random.Next(2, 14), random.Next(256), random.Next(2), Bytes(random, random.Next(10)));
                break;
            default:
                bytes.Write(o => FrameWriter.WriteWindowUpdate(o, stream, 1 + random.Next(1_000_000)));
                bytes.Write(o => FrameWriter.WriteRstStream(o, 1 + stream, (Http2ErrorCode)random.Next(20)));
                bytes.Write(o => FrameWriter.WriteGoAway(o, stream, Http2ErrorCode.NoError, "reason"));
                break;
        }
    }

    private static byte[] Setting(Random random) =>
        [0, (byte)random.Next(1, 10), (byte)(random.Next(9) == 0 ? 255 : 0), (byte)random.Next(2), (byte)random.Next(256), (byte)random.Next(3)];

    private static byte[] Bytes(Random random, int length)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }
}
