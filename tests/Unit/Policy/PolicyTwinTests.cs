using System.Collections.Immutable;
using System.Net;
using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Policy;

public sealed class PolicyTwinTests
{
    private static readonly string[] Names = ["shop", "web", "api", "web-1"];
    private static readonly string[] Domains = ["cluster.local", "other.local"];
    private static readonly string[] Addresses = ["10.1.0.7", "10.1.0.8", "10.2.0.1", "fd00::7", "fd00:1::7", "::ffff:10.1.0.7"];
    private static readonly string[] Ranges = ["10.1.0.0/16", "10.1.0.7/32", "0.0.0.0/0", "fd00::/64", "::/0", "fd00::7/128", "10.2.0.0/15"];
    private static readonly int[] Ports = [80, 81, 82];

    // Few values of everything, so that what is drawn meets: most connections fit some rule in part.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_index_decides_as_reading_all_rules_one_after_another_does(int seed)
    {
        var random = new Random(seed);
        var seen = new HashSet<string>();
        for (int round = 0; round < 400; round++)
        {
            ImmutableArray<AccessPolicy> policies = [.. Enumerable.Range(0, random.Next(4)).Select(i => Policy(random, i))];
            var set = PolicyWorld.Set([.. policies]);
            for (int i = 0; i < 30; i++)
            {
                var facts = Facts(random);
                var (allowed, decider) = SlowPolicy.Decide(facts, policies);
                Decision decision = ConnectionPolicy.Decide(facts, set);
                Assert.True(allowed == decision.Allowed, $"seed {seed}, round {round}: {facts}: {decision}, but {(allowed, decider)}");
                if (decider is not null) Assert.Equal(decider, decision.Rule);
                seen.Add($"{decision.Allowed} {(decider is null ? decision.IsByMode : "rule")}");
            }
        }

        Assert.Equal(["False False", "False True", "False rule", "True False", "True rule"], seen.Order(StringComparer.Ordinal));
    }

    private static AccessPolicy Policy(Random random, int number) => new()
    {
        Namespace = "shop",
        Name = $"p{number}",
        Action = random.Next(2) == 0 ? PolicyAction.Allow : PolicyAction.Deny,
        Rules = [.. Enumerable.Range(0, random.Next(5)).Select(_ => Rule(random))],
    };

    private static AccessRule Rule(Random random) => new()
    {
        Identities = Some(random, () => Pattern(random)),
        Namespaces = Some(random, () => Pick(random, Names)),
        Sources = Some(random, () => IPNetwork.Parse(Pick(random, Ranges))),
        Ports = Some(random, () => Ports[random.Next(Ports.Length)]),
        NodeAddress = random.Next(5) == 0,
    };

    private static string Pattern(Random random)
    {
        string Part(string[] of) => random.Next(4) == 0 ? "*" : Pick(random, of);
        string whole = $"spiffe://{Part(Domains)}/ns/{Part(Names)}/sa/{Part(Names)}";
        if (random.Next(4) > 0) return whole;
        string cut = whole[..random.Next("spiffe://".Length, whole.Length)].TrimEnd('*') + "*";
        return IdentityPattern.FaultOf(cut) is null ? cut : "*";
    }

    private static ConnectionFacts Facts(Random random)
    {
        bool isProtected = random.Next(2) == 0;
        var modes = random.Next(2) == 0 ? Array.Empty<PortMode>() : [new PortMode(80, ProtectionMode.Permissive), new PortMode(81, ProtectionMode.Strict)];
        return new ConnectionFacts(
            random.Next(8) == 0 ? null : SpiffeId.Of(Pick(random, Domains), Pick(random, Names), Pick(random, Names)),
            IPAddress.Parse(Pick(random, Addresses)),
            PolicyWorld.Api(random.Next(2) == 0 ? ProtectionMode.Strict : ProtectionMode.Permissive, random.Next(8) == 0 ? Enrolment.Withdrawing : Enrolment.Enrolled, modes),
            Ports[random.Next(Ports.Length)], isProtected, FromNode: random.Next(3) == 0 && !isProtected);
    }

    private static ImmutableArray<T> Some<T>(Random random, Func<T> make) =>
        random.Next(2) == 0 ? [] : [.. Enumerable.Range(0, 1 + random.Next(2)).Select(_ => make()).Distinct()];

    private static string Pick(Random random, string[] of) => of[random.Next(of.Length)];
}
