using System.Diagnostics.CodeAnalysis;
using System.Net;
using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Identity;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Policy;

/// <summary>A pod, policies and connections in few words.</summary>
internal static class PolicyWorld
{
    public static readonly SpiffeId Web = SpiffeId.Of("cluster.local", "shop", "web");

    public static Workload Api(ProtectionMode mode = ProtectionMode.Permissive, Enrolment enrolment = Enrolment.Enrolled, params PortMode[] ports) => new()
    {
        Uid = "1",
        Namespace = "shop",
        Name = "api-abc",
        ServiceAccount = "api",
        WorkloadName = "api",
        Mode = mode,
        Enrolment = enrolment,
        PortModes = [.. ports],
    };

    public static AccessPolicy Allow(string name, params AccessRule[] rules) => new() { Namespace = "shop", Name = name, Action = PolicyAction.Allow, Rules = [.. rules] };

    public static AccessPolicy Deny(string name, params AccessRule[] rules) => new() { Namespace = "shop", Name = name, Action = PolicyAction.Deny, Rules = [.. rules] };

    public static PolicySet Set(params AccessPolicy[] policies) => PolicySet.Compile([.. policies.Select(policy => policy.Key)], new Lookup(policies));

    public static ConnectionFacts Proven(SpiffeId peer, int port = 80, string from = "10.1.0.7", Workload? to = null) =>
        new(peer, IPAddress.Parse(from), to ?? Api(), port, ProtectedInProcessOrTunnel: true);

    public static ConnectionFacts Plain(string from = "10.1.0.7", int port = 80, bool fromNode = false, Workload? to = null) =>
        new(null, IPAddress.Parse(from), to ?? Api(), port, ProtectedInProcessOrTunnel: false, fromNode);

    /// <summary>Policies as a view has them.</summary>
    public sealed class Lookup(params AccessPolicy[] policies) : IPolicyLookup
    {
        private readonly Dictionary<string, AccessPolicy> _byKey = policies.ToDictionary(policy => policy.Key);

        public bool TryFindPolicy(string key, [NotNullWhen(true)] out AccessPolicy? policy) => _byKey.TryGetValue(key, out policy);
    }
}
