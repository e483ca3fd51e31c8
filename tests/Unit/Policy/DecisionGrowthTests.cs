using System.Net;
using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;
using static Ambient.Tests.Unit.Policy.PolicyWorld;

namespace Ambient.Tests.Unit.Policy;

[Collection(nameof(MeasuredAlone))]
public sealed class DecisionGrowthTests(ITestOutputHelper output)
{
    private static readonly int[] Sizes = [10, 100, 1_000, 10_000];

    [Fact]
    public void A_decision_costs_the_same_however_many_rules_of_its_policies_are_about_others()
    {
        Curve("by identity, so many rules about others", Proven(Web), allowed: true, SetOf);
        Curve("denied by default, so many rules about others", Proven(SpiffeId.Of("cluster.local", "elsewhere", "x")), allowed: false, SetOf);
        Curve("by address, so many rules about others", Plain("10.9.0.7"), allowed: true, SetOf);

        static PolicySet SetOf(int rules) => Set(Allow("callers",
            [.. Enumerable.Range(0, rules).Select(RuleAboutOthers), new AccessRule { Identities = [Web.ToString()] }, new AccessRule { Sources = [IPNetwork.Parse("10.9.0.0/24")] }]));
    }

    [Fact]
    public void A_decision_costs_the_same_however_many_policies_others_have()
    {
        Curve("so many policies of other pods", Proven(Web), allowed: true, policies =>
        {
            var book = new PolicyBook();
            var all = new Lookup([.. Enumerable.Range(0, policies).Select(i => Allow($"p{i}", RuleAboutOthers(i))), Allow("own", new AccessRule { Identities = [Web.ToString()] })]);
            for (int i = 0; i < Math.Min(policies, 1_000); i++)
                book.Of(Api() with { Uid = $"pod-{i}", Policies = [ResourceKeys.Policy("shop", $"p{i}")] }, all);
            return book.Of(Api() with { Policies = [ResourceKeys.Policy("shop", "own")] }, all);
        });
    }

    private void Curve(string what, ConnectionFacts facts, bool allowed, Func<int, PolicySet> setOf)
    {
        (int, double)[] curve = [.. Sizes.Select(size =>
        {
            PolicySet set = setOf(size);
            Assert.Equal(allowed, ConnectionPolicy.Decide(facts, set).Allowed);
            return (size, Growth.NanosecondsOf(_ => ConnectionPolicy.Decide(facts, set)));
        })];
        output.WriteLine(Growth.Line($"a decision {what}", curve));
        Growth.AssertFlat(curve);
    }

    // One of each kind that is indexed in its own way.
    private static AccessRule RuleAboutOthers(int i) => (i % 4) switch
    {
        0 => new AccessRule { Identities = [$"spiffe://cluster.local/ns/team-{i}/sa/app"], Ports = [80] },
        1 => new AccessRule { Identities = [$"spiffe://*/ns/team-{i}/sa/*"] },
        2 => new AccessRule { Namespaces = [$"team-{i}"] },
        _ => new AccessRule { Sources = [IPNetwork.Parse($"{100 + (i >> 16)}.{i >> 8 & 255}.{i & 255}.0/24")] },
    };
}
