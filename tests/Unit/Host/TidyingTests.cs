using System.Runtime.CompilerServices;
using Ambient.Native.Processes;
using Ambient.NodeProxy;

namespace Ambient.Tests.Unit.Host;

/// <summary>When a node gives memory back that it does not need any more, and that it does.</summary>
[Collection(nameof(MeasuredAlone))]
public sealed class TidyingTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void A_node_that_rests_gives_back_what_its_start_took() => Assert.True(Tidying.IsWorthwhile(7 * MiB, 4 * MiB, cpu: 0.005, TimeSpan.MaxValue));

    [Fact]
    public void Once_is_enough_while_little_comes_in_addition() => Assert.False(Tidying.IsWorthwhile(MiB / 2, 4 * MiB, cpu: 0.005, TimeSpan.FromHours(1)));

    [Fact]
    public void A_change_of_the_view_is_tidied_up_after_in_its_turn() => Assert.True(Tidying.IsWorthwhile(2 * MiB, 4 * MiB, cpu: 0.005, Tidying.Pause));

    [Fact]
    public void What_is_carried_stands_still_for_it_once_a_minute_at_most() => Assert.False(Tidying.IsWorthwhile(2 * MiB, 4 * MiB, cpu: 0.005, TimeSpan.FromSeconds(59)));

    [Fact]
    public void A_node_that_carries_much_is_not_stopped_for_it() => Assert.False(Tidying.IsWorthwhile(7 * MiB, 4 * MiB, cpu: 0.1, TimeSpan.MaxValue));

    [Fact]
    public void A_heap_that_takes_long_to_look_through_is_left_to_the_collector() => Assert.False(Tidying.IsWorthwhile(80 * MiB, 70 * MiB, cpu: 0, TimeSpan.MaxValue));

    [Fact]
    public void A_large_heap_of_which_little_lives_is_given_back() => Assert.True(Tidying.IsWorthwhile(80 * MiB, 4 * MiB, cpu: 0, TimeSpan.MaxValue));

    [Fact]
    public void What_was_taken_and_is_no_longer_used_goes_back_to_the_system()
    {
        var memory = new SpareMemory();
        memory.GiveBack();
        Take();
        GC.Collect(0); // as any work would lead to; it keeps what has become free
        long grown = memory.Grown;
        Assert.True(grown > 32 * MiB, $"{grown} bytes more than before");

        memory.GiveBack();
        Assert.Equal(0, memory.Grown);
        Assert.True(SpareMemory.Live > 0);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Take()
        {
            byte[][] much = [.. Enumerable.Range(0, 1024).Select(_ => new byte[64 * 1024])];
            GC.Collect(); // lives at a collection, so that it is known to be there
            GC.KeepAlive(much);
        }
    }
}
