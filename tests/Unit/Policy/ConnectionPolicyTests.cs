using System.Net;
using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;
using static Ambient.Tests.Unit.Policy.PolicyWorld;

namespace Ambient.Tests.Unit.Policy;

public sealed class ConnectionPolicyTests
{
    private static readonly AccessRule FromWeb = new() { Identities = [Web.ToString()] };
    private static readonly AccessRule Everything = new();

    [Theory]
    [InlineData(true, true, ProtectionMode.Strict, Enrolment.Enrolled, true, "shop/api takes enrolled peers")]
    [InlineData(true, true, ProtectionMode.Permissive, Enrolment.Enrolled, true, "shop/api takes enrolled peers")]
    [InlineData(true, false, ProtectionMode.Permissive, Enrolment.Enrolled, false, "shop/api takes no tunnel from a peer without an identity")]
    [InlineData(false, false, ProtectionMode.Strict, Enrolment.Enrolled, false, "mode STRICT of shop/api refuses plaintext")]
    [InlineData(false, false, ProtectionMode.Strict, Enrolment.Enrolling, false, "mode STRICT of shop/api refuses plaintext")]
    [InlineData(false, false, ProtectionMode.Permissive, Enrolment.Enrolling, true, "mode PERMISSIVE of shop/api delivers plaintext")]
    [InlineData(false, false, ProtectionMode.Strict, Enrolment.Withdrawing, true, "shop/api is leaving the mesh: others already speak plaintext to it")]
    [InlineData(false, true, ProtectionMode.Strict, Enrolment.Enrolled, false, "mode STRICT of shop/api refuses plaintext")]   // a claim without protection proves nothing
    public void Without_policies_a_connection_is_decided_by_protection_identity_and_mode(bool isProtected, bool hasPeer, ProtectionMode mode, Enrolment enrolment, bool allowed, string rule)
    {
        Decision decision = ConnectionPolicy.Decide(new ConnectionFacts(hasPeer ? Web : null, IPAddress.Loopback, Api(mode, enrolment), 80, isProtected), PolicySet.None);
        Assert.Equal(allowed, decision.Allowed);
        Assert.Equal(rule, decision.Rule);
    }

    [Fact]
    public void A_policy_that_allows_lets_in_what_its_rules_name_and_nothing_else()
    {
        var set = Set(Allow("callers", FromWeb));
        AssertDecision(true, "allowed by AccessPolicy shop/callers rule 1", Proven(Web), set);
        AssertDecision(false, "no rule of AccessPolicy shop/callers allows it", Proven(SpiffeId.Of("cluster.local", "shop", "cache")), set);
        AssertDecision(false, "no rule of AccessPolicy shop/callers allows it", Plain(), set);
    }

    [Fact]
    public void Of_several_policies_that_allow_one_has_to()
    {
        var set = Set(Allow("a", FromWeb), Allow("b", new AccessRule { Namespaces = ["jobs"] }));
        Assert.True(ConnectionPolicy.Decide(Proven(Web), set).Allowed);
        Assert.True(ConnectionPolicy.Decide(Proven(SpiffeId.Of("cluster.local", "jobs", "any")), set).Allowed);
        AssertDecision(false, "no rule of AccessPolicies shop/a, shop/b allows it", Proven(SpiffeId.Of("cluster.local", "shop", "cache")), set);
    }

    [Fact]
    public void A_rule_that_denies_wins_over_any_that_allows_and_names_the_number_that_a_person_wrote()
    {
        var set = Set(Allow("all", Everything), Deny("not-web", new AccessRule { Ports = [99], Number = 1 }, FromWeb with { Number = 4 }));
        AssertDecision(false, "denied by AccessPolicy shop/not-web rule 4", Proven(Web), set);
        AssertDecision(true, "allowed by AccessPolicy shop/all rule 1", Proven(SpiffeId.Of("cluster.local", "shop", "cache")), set);
    }

    [Fact]
    public void A_policy_that_allows_without_rules_lets_nobody_in_and_one_that_denies_without_rules_changes_nothing()
    {
        Assert.False(ConnectionPolicy.Decide(Proven(Web), Set(Allow("nobody"))).Allowed);
        Assert.True(ConnectionPolicy.Decide(Proven(Web), Set(Deny("nothing"))).Allowed);
    }

    [Fact]
    public void A_policy_that_the_view_lacks_denies_and_is_named()
    {
        PolicySet set = PolicySet.Compile(["policy/shop/late"], new Lookup());
        AssertDecision(false, "AccessPolicy shop/late has not arrived: shop/api takes nothing", Proven(Web), set);
        AssertDecision(false, "AccessPolicy shop/late has not arrived: shop/api takes nothing", Plain(to: Api(enrolment: Enrolment.Withdrawing)), set);
    }

    [Fact]
    public void A_policy_that_cannot_be_enforced_denies_everything_whatever_others_allow()
    {
        var set = Set(Allow("all", Everything), Deny("odd") with { Unenforceable = "a.yaml:3: unknown field spec.jwt" });
        AssertDecision(false, "AccessPolicy shop/odd cannot be enforced (a.yaml:3: unknown field spec.jwt): shop/api takes nothing", Proven(Web), set);
    }

    [Fact]
    public void An_identity_pattern_that_this_version_does_not_know_denies_everything()
    {
        var set = Set(Deny("odd", new AccessRule { Identities = ["spiffe://cluster.local/ns/sh?p/sa/web"] }));
        Decision decision = ConnectionPolicy.Decide(Proven(Web), set);
        Assert.False(decision.Allowed);
        Assert.StartsWith("AccessPolicy shop/odd cannot be enforced (identity 'spiffe://cluster.local/ns/sh?p/sa/web': ", decision.Rule, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(80, true)]
    [InlineData(81, false)]
    [InlineData(82, true)]
    public void The_mode_of_a_port_wins_over_that_of_the_pod(int port, bool allowed)
    {
        Workload pod = Api(ProtectionMode.Permissive, Enrolment.Enrolled, new PortMode(81, ProtectionMode.Strict), new PortMode(82, ProtectionMode.Permissive));
        Assert.Equal(allowed, ConnectionPolicy.Decide(Plain(port: port, to: pod), PolicySet.None).Allowed);
    }

    [Theory]
    [InlineData(ProtectionMode.Strict, false, true, "allowed by AccessPolicy shop/p rule 1")]         // a rule that says so is the one way past STRICT
    [InlineData(ProtectionMode.Permissive, false, true, "allowed by AccessPolicy shop/p rule 1")]
    [InlineData(ProtectionMode.Strict, true, false, "mode STRICT of shop/api refuses plaintext")]
    [InlineData(ProtectionMode.Permissive, true, false, "no rule of AccessPolicy shop/p allows it")]
    public void What_comes_from_a_nodes_address_is_allowed_only_by_a_rule_that_says_so(ProtectionMode mode, bool byEverythingElse, bool allowed, string rule)
    {
        AccessRule[] rules = byEverythingElse
            ? [Everything, new AccessRule { Ports = [80] }, new AccessRule { Sources = [IPNetwork.Parse("10.0.0.0/8")] }, new AccessRule { Identities = ["*"] }, new AccessRule { Namespaces = ["shop"] }]
            : [new AccessRule { NodeAddress = true, Ports = [80] }];
        AssertDecision(allowed, rule, Plain(fromNode: true, to: Api(mode)), Set(Allow("p", rules)));
    }

    [Fact]
    public void What_comes_from_a_nodes_address_without_any_policy_is_decided_by_the_mode()
    {
        Assert.False(ConnectionPolicy.Decide(Plain(fromNode: true, to: Api(ProtectionMode.Strict)), PolicySet.None).Allowed);
        Assert.True(ConnectionPolicy.Decide(Plain(fromNode: true), PolicySet.None).Allowed);
    }

    [Fact]
    public void Rules_that_deny_meet_what_comes_from_a_nodes_address_as_any_other()
    {
        Assert.False(ConnectionPolicy.Decide(Plain(fromNode: true), Set(Deny("p", new AccessRule { Ports = [80] }))).Allowed);
        Assert.False(ConnectionPolicy.Decide(Plain(fromNode: true), Set(Deny("p", new AccessRule { NodeAddress = true }))).Allowed);
        Assert.True(ConnectionPolicy.Decide(Plain(fromNode: false), Set(Deny("p", new AccessRule { NodeAddress = true }))).Allowed);
    }

    [Fact]
    public void A_proven_identity_is_no_node_address_wherever_it_comes_from()
    {
        var facts = Proven(Web) with { FromNode = true };
        Assert.False(ConnectionPolicy.Decide(facts, Set(Allow("p", new AccessRule { NodeAddress = true }))).Allowed);
        Assert.True(ConnectionPolicy.Decide(facts, Set(Allow("p", FromWeb))).Allowed);
    }

    [Fact]
    public void An_address_that_is_allowed_does_not_get_past_STRICT()
    {
        var set = Set(Allow("p", new AccessRule { Sources = [IPNetwork.Parse("10.1.0.0/16")] }));
        Assert.True(ConnectionPolicy.Decide(Plain(), set).Allowed);
        AssertDecision(false, "mode STRICT of shop/api refuses plaintext", Plain(to: Api(ProtectionMode.Strict)), set);
    }

    [Fact]
    public void While_a_pod_leaves_the_mesh_rules_that_deny_still_hold()
    {
        Workload leaving = Api(ProtectionMode.Strict, Enrolment.Withdrawing);
        Assert.True(ConnectionPolicy.Decide(Plain(to: leaving), Set(Allow("p", FromWeb))).Allowed);
        Assert.False(ConnectionPolicy.Decide(Plain(to: leaving), Set(Deny("p", new AccessRule { Sources = [IPNetwork.Parse("10.1.0.7/32")] }))).Allowed);
    }

    [Fact]
    public void An_excluded_port_takes_plaintext_under_STRICT_while_others_know_and_the_rules_still_capture_it()
    {
        Workload api = Api(ProtectionMode.Strict) with { ExcludedInboundPorts = [80] };
        AssertDecision(true, "the port is excluded from capture at shop/api: others speak plaintext to it", Plain(to: api), PolicySet.None);
        Assert.False(ConnectionPolicy.Decide(Plain(port: 81, to: api), PolicySet.None).Allowed);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(1_000)]
    public void Deciding_allocates_nothing(int rules)
    {
        var set = Set(
            Deny("d", [.. Enumerable.Range(0, rules).Select(i => new AccessRule { Identities = [$"spiffe://*/ns/n{i}/sa/*", $"spiffe://cluster.local/ns/m{i}*"] })]),
            Allow("a", [.. Enumerable.Range(0, rules).Select(i => new AccessRule { Sources = [IPNetwork.Parse($"10.{i / 256}.{i % 256}.0/24")], Ports = [80, 90 + i] }), FromWeb]));
        ConnectionFacts[] asked = [Proven(Web), Plain("10.0.1.7"), Plain(fromNode: true), Plain("192.0.2.1"), Proven(SpiffeId.Of("cluster.local", "n1", "x"))];
        int allowed = 0;
        long Count(int rounds)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < rounds; i++)
            {
                foreach (ref readonly var facts in asked.AsSpan())
                    allowed += ConnectionPolicy.Decide(facts, set).Allowed ? 1 : 0;
            }
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Count(200);
        Assert.Equal(0, Count(1_000));
        Assert.Equal(2 * 1_200, allowed);
    }

    private static void AssertDecision(bool allowed, string rule, in ConnectionFacts facts, PolicySet set)
    {
        Decision decision = ConnectionPolicy.Decide(facts, set);
        Assert.Equal((allowed, rule), (decision.Allowed, decision.Rule));
    }
}
