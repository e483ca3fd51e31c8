using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>
/// Decides on the server's node whether a connection may reach a captured pod. Pure: facts in, decision out. Never weaker than it was
/// told: what proves nothing counts as plaintext, and a policy that is missing or not understood denies.
/// </summary>
/// <remarks>
/// <code>
///   a policy is missing or not understood --> denied
///   a rule that denies matches            --> denied
///   proven identity:  policies that allow? one of their rules matches --> allowed, else denied;   none: allowed
///   plaintext:        the pod leaves the mesh, or its port is excluded from capture --> allowed
///                     from a node's own address, and a rule allows just that --> allowed
///                     the port is STRICT --> denied
///                     policies that allow? as above;                                             none: allowed
/// </code>
/// docs/policy.md says the same to users.
/// </remarks>
public static class ConnectionPolicy
{
    /// <summary>Decides about one connection. Allocates nothing, and does not grow with rules that are about others.</summary>
    /// <param name="facts">Of the connection.</param>
    /// <param name="policies">Of its destination.</param>
    public static Decision Decide(in ConnectionFacts facts, PolicySet policies)
    {
        if (policies.Closed is not null) return new Decision(false, DecidingRule.PolicyClosed, facts.Destination, policies);
        if (facts.ProtectedInProcessOrTunnel && facts.Peer is null) return new Decision(false, DecidingRule.UnprovenPeer, facts.Destination, policies);

        var subject = RuleSubject.Of(facts);
        if (policies.Denying!.FirstMatch(subject) is { } denying) return new Decision(false, DecidingRule.DeniedByRule, facts.Destination, policies, denying);

        var allowing = policies.Allowing!.FirstMatch(subject);
        var (allowed, decider) = (facts.ProtectedInProcessOrTunnel, allowing) switch
        {
            (true, not null) => (true, DecidingRule.AllowedByRule),
            (true, null) when policies.AllowNames.IsEmpty => (true, DecidingRule.ProvenPeer),
            (true, null) => (false, DecidingRule.AllowedByNone),
            // Other nodes were told to speak plaintext before its rules go away; refusing them meanwhile would be an outage of our making.
            (false, _) when facts.Destination.Enrolment == Enrolment.Withdrawing => (true, DecidingRule.Leaving),
            // The same moment of an excluded port: others have been told already, or still, while the rules capture it.
            (false, _) when facts.Destination.ExcludedInboundPorts.Contains(facts.Port) => (true, DecidingRule.PortExcluded),
            (false, not null) when subject.IsNodeAddress => (true, DecidingRule.AllowedByRule),
            (false, _) when facts.Destination.ModeOf(facts.Port) == ProtectionMode.Strict => (false, DecidingRule.ModeStrict),
            (false, not null) => (true, DecidingRule.AllowedByRule),
            (false, null) when policies.AllowNames.IsEmpty => (true, DecidingRule.ModePermissive),
            (false, null) => (false, DecidingRule.AllowedByNone),
        };
        return new Decision(allowed, decider, facts.Destination, policies, decider == DecidingRule.AllowedByRule ? allowing : null);
    }
}
