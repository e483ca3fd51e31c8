using Ambient.Protocol.Model;

namespace Ambient.NodeProxy.Policy;

/// <summary>
/// Decides on the server's node whether a connection may reach a captured pod. Pure: facts in, decision out. Never weaker than it was
/// told: what proves nothing counts as plaintext.
/// </summary>
public static class ConnectionPolicy
{
    /// <summary>Decides about one connection. Allocates nothing.</summary>
    public static Decision Decide(in ConnectionFacts facts)
    {
        (bool allowed, DecidingRule rule) = facts switch
        {
            { ProtectedInProcessOrTunnel: true, Peer: null } => (false, DecidingRule.UnprovenPeer),
            { ProtectedInProcessOrTunnel: true } => (true, DecidingRule.ProvenPeer),
            // Other nodes were told to speak plaintext before its rules go away; refusing them meanwhile would be an outage of our making.
            { Destination.Enrolment: Enrolment.Withdrawing } => (true, DecidingRule.Leaving),
            // The same moment of an excluded port: others have been told already, or still, while the rules capture it.
            _ when facts.Destination.ExcludedInboundPorts.Contains(facts.Port) => (true, DecidingRule.PortExcluded),
            { Destination.Mode: ProtectionMode.Permissive } => (true, DecidingRule.ModePermissive),
            _ => (false, DecidingRule.ModeStrict),
        };
        return new Decision(allowed, rule, facts.Destination);
    }
}
