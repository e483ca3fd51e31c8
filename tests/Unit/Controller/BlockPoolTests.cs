using Ambient.Controller.Streams;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Blocks of Kestrel's pipes are used again, and no more of them are kept than is said.</summary>
public sealed class BlockPoolTests
{
    [Fact]
    public void A_block_that_came_back_is_lent_again_and_nothing_is_allocated_for_it()
    {
        var pool = new BlockPool();
        pool.Rent().Dispose();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            pool.Rent(100).Dispose();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(1, pool.Idle);
    }

    [Fact]
    public void Blocks_that_are_lent_at_once_are_different_ones()
    {
        var pool = new BlockPool();
        using var one = pool.Rent();
        using var other = pool.Rent();
        one.Memory.Span.Fill(1);
        other.Memory.Span.Fill(2);
        Assert.Equal(BlockPool.BlockBytes, one.Memory.Span.Count((byte)1));
    }

    [Fact]
    public void A_block_that_is_given_back_twice_is_lent_once()
    {
        var pool = new BlockPool();
        var block = pool.Rent();
        block.Dispose();
        block.Dispose();
        Assert.Equal(1, pool.Idle);
        Assert.NotSame(pool.Rent(), pool.Rent());
    }

    [Fact]
    public void No_more_are_kept_than_is_said()
    {
        var pool = new BlockPool(mostIdle: 3);
        var lent = Enumerable.Range(0, 10).Select(_ => pool.Rent()).ToList();
        lent.ForEach(block => block.Dispose());
        Assert.Equal(3, pool.Idle);
    }

    [Fact]
    public void Kestrel_disposing_a_pool_of_one_loop_leaves_the_others_theirs()
    {
        var pool = new BlockPool();
        pool.Create().Dispose();
        using var block = pool.Rent();
        Assert.Equal(BlockPool.BlockBytes, block.Memory.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(BlockPool.BlockBytes + 1));
    }
}
