using Ambient.NodeProxy.Engine;
using Ambient.Tests.Unit.Engine;

namespace Ambient.Tests.Unit.Tunnel;

/// <summary>The relay between two connections in memory, whose bytes cross in pieces of every size.</summary>
public sealed class RelayInMemoryTests
{
    [Theory]
    [InlineData(1, 1, 20_000)]
    [InlineData(1, int.MaxValue, 20_000)]
    [InlineData(3, 7, 200_000)]
    [InlineData(int.MaxValue, 1, 20_000)]
    [InlineData(16 * 1024, 1500, 2_000_000)]
    public async Task Every_byte_arrives_once_and_in_order_both_ways_however_it_is_cut_and_each_half_ends_on_its_own(int leftPiece, int rightPiece, int bytes)
    {
        await using var world = await World.Start(leftPiece, rightPiece);
        var (there, back) = (Noise(bytes, 1), Noise(bytes / 2, 2));
        await world.Loop.Run(() =>
        {
            world.Left.Send(there);
            world.Left.End();
        });
        await world.Loop.Until(() => world.Right.SawEnd, "the end of the first half");
        Assert.Null(world.Ended);

        await world.Loop.Run(() =>
        {
            world.Right.Send(back);
            world.Right.End();
        });
        await world.Loop.Until(() => world.Ended is not null, "the end of the relay");
        Assert.Equal(there, world.Right.Received);
        Assert.Equal(back, world.Left.Received);
        Assert.Null(world.Broken);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(int.MaxValue)]
    public async Task A_side_that_breaks_in_the_middle_breaks_the_other_and_is_no_end(int piece)
    {
        await using var world = await World.Start(piece, piece);
        await world.Loop.Run(() => world.Left.Send(Noise(5_000, 3)));
        await world.Loop.Until(() => world.Right.ReceivedBytes > 100, "some of it");

        await world.Loop.Run(() => world.LeftSide.Abort(ConnectionFault.Ended));
        await world.Loop.Until(() => world.Right.SawBreak, "the break");
        Assert.False(world.Right.SawEnd);
        Assert.NotNull(world.Broken);
    }

    private static byte[] Noise(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private sealed class World : IRelayOwner, IAsyncDisposable
    {
        public TestLoop Loop { get; } = new();

        public ScriptedApp Left { get; private set; } = null!;

        public ScriptedApp Right { get; private set; } = null!;

        public MemoryConnection LeftSide { get; private set; } = null!;

        public Relay? Ended { get; private set; }

        public Connection? Broken { get; private set; }

        public static async Task<World> Start(int leftPiece, int rightPiece)
        {
            var world = new World();
            await world.Loop.Run(() =>
            {
                var (left, downstream) = MemoryConnection.Pair(world.Loop.Loop, leftPiece, capacityBytes: 4096);
                var (upstream, right) = MemoryConnection.Pair(world.Loop.Loop, rightPiece, capacityBytes: 4096);
                world.LeftSide = left;
                Relay.Start(downstream, upstream, world);
                (world.Left, world.Right) = (new ScriptedApp(left), new ScriptedApp(right));
            });
            return world;
        }

        public void OnRelayEnded(Relay relay, Connection? broken) => (Ended, Broken) = (relay, broken);

        public ValueTask DisposeAsync() => Loop.DisposeAsync();
    }
}
