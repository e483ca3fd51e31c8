using Ambient.Native.Tls;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Telemetry;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// The check after every handshake, resumed ones included: resumption calls no verify callback, so chain, expiry, trust domain
/// and identity are looked at again here.
/// </summary>
internal static class PeerVerifier
{
    /// <param name="tls">Established.</param>
    /// <param name="newest">What its own side would speak with now: the roots may have changed since the handshake began.</param>
    /// <param name="trustDomain">Ours.</param>
    /// <param name="expected">Who must be there; null where anyone of the trust domain may call.</param>
    /// <param name="time">The wall clock.</param>
    /// <param name="identity">Who it is, when accepted.</param>
    /// <param name="detail">Why not, for a person.</param>
    public static PeerCheckOutcome Verify(
        TlsConnection tls, TlsContext newest, string trustDomain, SpiffeId? expected, TimeProvider time, out SpiffeId? identity, out string detail)
    {
        detail = "";
        identity = null;
        var peer = tls.Session.Peer;
        bool chainVerified = tls.Session.VerifyPeerChain(newest, out string? chainReason);
        var outcome = PeerCheck.Evaluate(
            peer is not null, peer?.UriSans ?? [], peer?.NotBefore ?? default, peer?.NotAfter ?? default,
            chainVerified, trustDomain, expected, time.GetUtcNow(), out identity);
        if (outcome == PeerCheckOutcome.Accepted) return outcome;
        string said = peer is null ? "no certificate" : string.Join(", ", peer.UriSans);
        detail = outcome switch
        {
            PeerCheckOutcome.Accepted => "",
            PeerCheckOutcome.NoCertificate => "the peer has no certificate",
            PeerCheckOutcome.ChainInvalid => $"the peer's certificate does not lead to a root of ours: {chainReason}",
            PeerCheckOutcome.Expired => time.GetUtcNow() < peer!.NotBefore
                ? $"the peer's certificate ({said}) is not valid before {peer.NotBefore:O}: do the nodes' clocks agree?"
                : $"the peer's certificate ({said}) was valid until {peer!.NotAfter:O}",
            PeerCheckOutcome.NoSpiffeId => $"the peer's certificate names no SPIFFE ID ({said})",
            PeerCheckOutcome.SeveralSpiffeIds => $"the peer's certificate names several URIs ({said})",
            PeerCheckOutcome.UntrustedDomain => $"the peer ({said}) is not of trust domain {trustDomain}",
            PeerCheckOutcome.UnexpectedIdentity => $"expected {expected}, but {said} answered",
        };
        return outcome;
    }

    /// <summary>The refusal's name.</summary>
    public static RefusalReason ReasonOf(PeerCheckOutcome outcome) => outcome switch
    {
        PeerCheckOutcome.UnexpectedIdentity => RefusalReason.PeerIdentityUnexpected,
        PeerCheckOutcome.Accepted or PeerCheckOutcome.NoCertificate or PeerCheckOutcome.ChainInvalid or PeerCheckOutcome.Expired
            or PeerCheckOutcome.NoSpiffeId or PeerCheckOutcome.SeveralSpiffeIds or PeerCheckOutcome.UntrustedDomain => RefusalReason.PeerUntrusted,
    };
}
