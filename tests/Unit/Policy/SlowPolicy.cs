using System.Collections.Immutable;
using System.Net;
using System.Text.RegularExpressions;
using Ambient.NodeProxy.Policy;
using Ambient.Protocol.Model;

namespace Ambient.Tests.Unit.Policy;

/// <summary>The obvious twin: every rule of every policy one after another, wildcards as regular expressions.</summary>
internal static class SlowPolicy
{
    public static (bool Allowed, string? Decider) Decide(in ConnectionFacts facts, ImmutableArray<AccessPolicy> policies)
    {
        if (facts.ProtectedInProcessOrTunnel && facts.Peer is null) return (false, null);
        if (FirstMatch(facts, policies, PolicyAction.Deny) is { } denying) return (false, $"denied by {denying}");
        string? allowing = FirstMatch(facts, policies, PolicyAction.Allow);
        bool anyAllows = policies.Any(policy => policy.Action == PolicyAction.Allow);
        if (!facts.ProtectedInProcessOrTunnel)
        {
            if (facts.Destination.Enrolment == Enrolment.Withdrawing || facts.Destination.ExcludedInboundPorts.Contains(facts.Port)) return (true, null);
            bool exempt = facts.FromNode && allowing is not null;
            if (facts.Destination.ModeOf(facts.Port) == ProtectionMode.Strict && !exempt) return (false, null);
        }

        return allowing is not null ? (true, $"allowed by {allowing}") : (!anyAllows, null);
    }

    private static string? FirstMatch(ConnectionFacts facts, ImmutableArray<AccessPolicy> policies, PolicyAction action) => policies
        .Where(policy => policy.Action == action)
        .SelectMany(policy => policy.Rules.Select((rule, i) => (policy, rule, number: i + 1)))
        .Where(candidate => Matches(facts, candidate.rule, action))
        .Select(candidate => $"AccessPolicy {candidate.policy.Namespace}/{candidate.policy.Name} rule {candidate.number}")
        .FirstOrDefault();

    private static bool Matches(ConnectionFacts facts, AccessRule rule, PolicyAction action)
    {
        var peer = facts.ProtectedInProcessOrTunnel ? facts.Peer : null;
        bool isNode = facts.FromNode && peer is null;
        if (isNode && action == PolicyAction.Allow && !rule.NodeAddress) return false;
        return (!rule.NodeAddress || isNode)
            && (rule.Identities.IsEmpty || (peer is not null && rule.Identities.Any(pattern => IsMeant(pattern, peer.ToString()))))
            && (rule.Namespaces.IsEmpty || (peer is not null && rule.Namespaces.Contains(peer.Namespace)))
            && (rule.Sources.IsEmpty || rule.Sources.Any(source => Contains(source, facts.PeerAddress)))
            && (rule.Ports.IsEmpty || rule.Ports.Contains(facts.Port));
    }

    private static bool IsMeant(string pattern, string identity)
    {
        string expression = Regex.Escape(pattern).Replace(@"/\*/", "/[^/]+/").Replace(@"/\*/", "/[^/]+/");
        if (expression.EndsWith(@"\*", StringComparison.Ordinal)) expression = expression[..^2] + ".+";
        return Regex.IsMatch(identity, $"^{expression}$", RegexOptions.CultureInvariant | RegexOptions.Singleline);
    }

    private static bool Contains(IPNetwork network, IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address);
    }
}
