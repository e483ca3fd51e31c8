using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Policy;

public sealed class PolicyBookTests
{
    private static readonly AccessPolicy Policy = PolicyWorld.Allow("p");
    private static readonly Workload Pod = PolicyWorld.Api() with { Policies = [Policy.Key] };

    [Fact]
    public void Pods_that_name_the_same_policies_share_what_was_compiled_and_so_does_the_next_version()
    {
        var book = new PolicyBook();
        PolicySet first = book.Of(Pod, new PolicyWorld.Lookup(Policy));
        Assert.Same(first, book.Of(Pod with { Uid = "2" }, new PolicyWorld.Lookup(Policy)));
        Assert.Same(first, book.Of(Pod, new PolicyWorld.Lookup(Policy, PolicyWorld.Deny("other"))));
        Assert.Same(PolicySet.None, book.Of(Pod with { Policies = [] }, new PolicyWorld.Lookup(Policy)));
    }

    [Fact]
    public void A_policy_that_changed_comes_or_goes_and_a_pod_that_names_others_are_compiled_anew()
    {
        var book = new PolicyBook();
        PolicySet first = book.Of(Pod, new PolicyWorld.Lookup(Policy));
        PolicySet edited = book.Of(Pod, new PolicyWorld.Lookup(Policy with { Action = PolicyAction.Deny }));
        Assert.NotSame(first, edited);
        PolicySet gone = book.Of(Pod, new PolicyWorld.Lookup());
        Assert.False(ConnectionPolicy.Decide(PolicyWorld.Plain(), gone).Allowed);
        Assert.NotSame(gone, book.Of(Pod with { Policies = [Policy.Key, "policy/shop/q"] }, new PolicyWorld.Lookup(Policy)));
    }

    [Fact]
    public void Asking_again_in_the_same_version_allocates_nothing()
    {
        var (book, version) = (new PolicyBook(), new PolicyWorld.Lookup(Policy));
        book.Of(Pod, version);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++) book.Of(Pod, version);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Ten_thousand_pods_that_came_and_went_are_forgotten()
    {
        var (book, version) = (new PolicyBook(), new PolicyWorld.Lookup(Policy));
        for (int i = 0; i < 10_000; i++) Assert.NotNull(book.Of(Pod with { Uid = $"{i}" }, version));
        Assert.InRange(book.Count, 1, 2_048);
    }
}
