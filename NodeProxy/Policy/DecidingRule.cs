namespace Ambient.NodeProxy.Policy;

/// <summary>The rules that can decide, by now.</summary>
internal enum DecidingRule
{
    ProvenPeer,
    UnprovenPeer,
    ModePermissive,
    ModeStrict,
    Leaving,
    PortExcluded,
}
