using System.Diagnostics.CodeAnalysis;
using System.Net;
using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;
using BenchmarkDotNet.Attributes;

namespace Ambient.Bench.Micro.Policy;

/// <summary>
/// One decision among many rules that are about others, and what compiling them costs. The budget of a decision is zero bytes, and as
/// many nanoseconds with a thousand rules as with ten.
/// </summary>
[MemoryDiagnoser]
public class PolicyBenchmarks
{
    private static readonly Workload Pod = new() { Uid = "1", Namespace = "shop", Name = "api", ServiceAccount = "api", Enrolment = Enrolment.Enrolled, Policies = ["policy/shop/callers"] };
    private readonly ConnectionFacts _tunnel = new(SpiffeId.Of("cluster.local", "shop", "web"), IPAddress.Parse("10.1.2.3"), Pod, 8080, ProtectedInProcessOrTunnel: true);
    private readonly ConnectionFacts _plain = new(null, IPAddress.Parse("10.1.2.3"), Pod, 8080, ProtectedInProcessOrTunnel: false);
    private AccessPolicy _policy = new() { Namespace = "shop", Name = "callers" };
    private readonly PolicyBook _book = new();
    private PolicySet _set = PolicySet.None;
    private IPolicyLookup _policies = null!;

    /// <summary>Of the pod's own policy, all but one about others.</summary>
    [Params(10, 1_000)]
    public int Rules { get; set; }

    [GlobalSetup]
    public void Prepare()
    {
        _policy = _policy with { Action = PolicyAction.Allow, Rules = [.. Enumerable.Range(0, Rules).Select(RuleOfOthers), new AccessRule { Identities = ["spiffe://cluster.local/ns/shop/sa/web"] }] };
        _set = Compile();
        _policies = new One(_policy);
    }

    [Benchmark]
    public bool DecideByIdentity() => ConnectionPolicy.Decide(_tunnel, _set).Allowed;

    [Benchmark]
    public bool DecideByAddress() => ConnectionPolicy.Decide(_plain, _set).Allowed;

    /// <summary>As a connection asks: the set of its destination's policies is found, then it decides.</summary>
    [Benchmark]
    public bool FindSetAndDecide() => ConnectionPolicy.Decide(_tunnel, _book.Of(_tunnel.Destination, _policies)).Allowed;

    [Benchmark]
    public PolicySet Compile() => PolicySet.Compile([_policy.Key], new One(_policy));

    // Of every kind that is indexed in its own way.
    private static AccessRule RuleOfOthers(int i) => (i % 4) switch
    {
        0 => new AccessRule { Identities = [$"spiffe://cluster.local/ns/team-{i}/sa/app"], Ports = [8080] },
        1 => new AccessRule { Identities = [$"spiffe://*/ns/team-{i}/sa/*"] },
        2 => new AccessRule { Namespaces = [$"team-{i}"] },
        _ => new AccessRule { Sources = [IPNetwork.Parse($"10.{100 + (i / 256)}.{i % 256}.0/24")] },
    };

    private sealed class One(AccessPolicy policy) : IPolicyLookup
    {
        public bool TryFindPolicy(string key, [NotNullWhen(true)] out AccessPolicy? found)
        {
            found = policy;
            return true;
        }
    }
}
