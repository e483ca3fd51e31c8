using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Identity;

/// <summary>
/// The check after every handshake, resumed ones included: a resumption calls no verify callback, so nothing else looks at the peer then.
/// Pure; both ends of a tunnel use it.
/// </summary>
public static class PeerCheck
{
    /// <summary>Judges a peer.</summary>
    /// <param name="hasCertificate">It showed one.</param>
    /// <param name="uriSans">Every URI among its leaf's subject alternative names.</param>
    /// <param name="notBefore">When the leaf begins to be valid.</param>
    /// <param name="notAfter">When the leaf ends to be valid; valid up to and including this moment (RFC 5280, section 4.1.2.5).</param>
    /// <param name="chainVerified">Its chain leads to one of our roots, checked for this very connection.</param>
    /// <param name="trustDomain">The mesh's trust domain.</param>
    /// <param name="expected">Who it has to be; null if anyone of the trust domain may be it.</param>
    /// <param name="now">The time.</param>
    /// <param name="identity">Who it is, as soon as that is certain: also set for <see cref="PeerCheckOutcome.UnexpectedIdentity"/>, for the log.</param>
    public static PeerCheckOutcome Evaluate(
        bool hasCertificate,
        IReadOnlyList<string> uriSans,
        DateTimeOffset notBefore,
        DateTimeOffset notAfter,
        bool chainVerified,
        string trustDomain,
        SpiffeId? expected,
        DateTimeOffset now,
        out SpiffeId? identity)
    {
        identity = null;
        if (!hasCertificate)
            return PeerCheckOutcome.NoCertificate;
        // Validity before the chain: an expired leaf fails the chain as well, and "expired" is the answer that helps.
        if (now < notBefore || now > notAfter)
            return PeerCheckOutcome.Expired;
        if (!chainVerified)
            return PeerCheckOutcome.ChainInvalid;
        if (uriSans.Count > 1)
            return PeerCheckOutcome.SeveralSpiffeIds;
        if (uriSans.Count == 0 || !SpiffeId.TryParse(uriSans[0], out SpiffeId? named, out _))
            return PeerCheckOutcome.NoSpiffeId;
        if (named.TrustDomain != trustDomain)
            return PeerCheckOutcome.UntrustedDomain;
        identity = named;
        return expected is null || named.Equals(expected) ? PeerCheckOutcome.Accepted : PeerCheckOutcome.UnexpectedIdentity;
    }
}
