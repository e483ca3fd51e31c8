using Ambient.NodeProxy;

namespace Ambient.Tests.Unit.Engine;

/// <summary>When a node gives memory back that it does not need any more.</summary>
public sealed class TidyingTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void A_node_that_rests_gives_back_what_its_start_took() => Assert.True(Tidying.IsWorthwhile(7 * MiB, kept: 0, cpu: 0.005));

    [Fact]
    public void Once_is_enough_while_little_comes_in_addition() => Assert.False(Tidying.IsWorthwhile(5 * MiB, kept: 4 * MiB, cpu: 0.005));

    [Fact]
    public void A_change_of_the_view_is_tidied_up_after_in_its_turn() => Assert.True(Tidying.IsWorthwhile(6 * MiB, kept: 4 * MiB, cpu: 0.005));

    [Fact]
    public void A_node_that_carries_is_not_stopped_for_it() => Assert.False(Tidying.IsWorthwhile(7 * MiB, kept: 0, cpu: 0.1));

    [Fact]
    public void A_heap_that_takes_long_to_look_through_is_left_to_the_collector() => Assert.False(Tidying.IsWorthwhile(80 * MiB, kept: 0, cpu: 0));
}
