namespace Ambient.NodeProxy.Policy;

/// <summary>What can decide, in the order in which it is asked.</summary>
internal enum DecidingRule
{
    PolicyClosed,
    UnprovenPeer,
    DeniedByRule,
    AllowedByRule,
    AllowedByNone,
    ProvenPeer,
    Leaving,
    PortExcluded,
    ModeStrict,
    ModePermissive,
}
