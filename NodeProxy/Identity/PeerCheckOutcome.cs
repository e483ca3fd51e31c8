namespace Ambient.NodeProxy.Identity;

/// <summary>Whether the other end of a handshake is who it has to be.</summary>
public enum PeerCheckOutcome
{
    /// <summary>It is.</summary>
    Accepted,

    /// <summary>It showed no certificate.</summary>
    NoCertificate,

    /// <summary>Its certificates do not lead to a root of ours.</summary>
    ChainInvalid,

    /// <summary>Its certificate has ended or not yet begun to be valid.</summary>
    Expired,

    /// <summary>Its certificate names no SPIFFE identity of our form.</summary>
    NoSpiffeId,

    /// <summary>Its certificate names several identities (SPIFFE X.509-SVID, section 2: exactly one URI SAN).</summary>
    SeveralSpiffeIds,

    /// <summary>Its identity belongs to another trust domain.</summary>
    UntrustedDomain,

    /// <summary>It is somebody, but not the one who was expected.</summary>
    UnexpectedIdentity,
}
