using System.Net;
using Ambient.Native.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Sessions;
using Ambient.NodeProxy.Telemetry;
using Ambient.NodeProxy.Tunnel;
using Ambient.Protocol.Identity;

namespace Ambient.NodeProxy.Inbound;

/// <summary>One tunnel into a pod: the handshake with the pod's certificate, the check of who calls, then requests.</summary>
internal sealed class InboundTunnel : ILinkOwner
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    private readonly InboundContext _context;
    private readonly PodTunnels _siblings;
    private TlsConnection? _tls;
    private Link? _link;
    private TunnelShares.Place? _place;
    private string? _drainReason;

    private InboundTunnel(InboundContext context, PodOnLoop pod, PodTunnels siblings, IPEndPoint peer, IPEndPoint? onlyTarget)
    {
        OnlyTarget = onlyTarget;
        _context = context;
        _siblings = siblings;
        Pod = pod;
        PeerAddress = peer;
    }

    /// <summary>Whose listener accepted it.</summary>
    public PodOnLoop Pod { get; }

    /// <summary>Who dialled: the source pod's address, since its node dials from its namespace.</summary>
    public IPEndPoint PeerAddress { get; }

    /// <summary>On an app's own port, the one address and port that it leads to: who filters there decided about no other. Null on the tunnel port.</summary>
    public IPEndPoint? OnlyTarget { get; }

    /// <summary>Who proved itself.</summary>
    public SpiffeId? Peer { get; private set; }

    public InboundContext Context => _context;

    private TunnelEntry Entry => OnlyTarget is null ? TunnelEntry.TunnelPort : TunnelEntry.OriginalPort;

    /// <summary>Starts the handshake.</summary>
    public static void Start(InboundContext context, PodOnLoop pod, PodTunnels siblings, int fd, IPEndPoint peer, IPEndPoint? onlyTarget)
    {
        var tunnel = new InboundTunnel(context, pod, siblings, peer, onlyTarget);
        var settings = context.Views.Current.Settings;
        if (!context.Views.Current.TryFindWorkloadByUid(pod.Uid, out var workload))
        {
            tunnel.Refuse(RefusalReason.PodNotReady, "the controller has not named this pod yet");
            SocketCalls.CloseWithReset(fd);
            return;
        }

        var credentials = context.Credentials.Current(pod.Uid, workload.IdentityIn(settings.TrustDomain));
        if (credentials is null)
        {
            tunnel.Refuse(RefusalReason.NoCertificate, $"no certificate for {workload.IdentityIn(settings.TrustDomain)} yet");
            SocketCalls.CloseWithReset(fd);
            return;
        }

        if (PodRoom.RefusalOf(pod, out var reason, out string detail))
        {
            tunnel.Refuse(reason, detail);
            SocketCalls.CloseWithReset(fd);
            return;
        }

        if (siblings.Shares.TryBegin(peer.Address, tunnel.GiveUp, out string refusal) is not { } place)
        {
            tunnel.Refuse(RefusalReason.Overloaded, refusal);
            SocketCalls.CloseWithReset(fd);
            return;
        }

        tunnel._place = place;
        pod.Hold(1);
        siblings.Renew(credentials);
        siblings.Tunnels.Add(tunnel);
        tunnel._tls = TlsConnection.Start(context.Loop, fd, credentials.ServerOf(tunnel.Entry), ticket: null, HandshakeTimeout, tunnel.OnHandshake);
    }

    /// <summary>No new streams; closes when the last has ended.</summary>
    public void Drain(string reason)
    {
        if (_link is not null) _link.Drain(reason);
        else _drainReason ??= reason; // as soon as there is a link
    }

    /// <summary>Ends at once.</summary>
    public void Cut(string reason)
    {
        if (_link is not null) _link.Abort(ConnectionFault.Ended, reason);
        else if (_tls is { IsClosed: false }) _tls.Abort(ConnectionFault.Ended); // no call to OnHandshake follows
        End();
    }

    void ILinkOwner.OnRequest(Link link, TunnelStream stream, HeaderList headers) => InboundRequest.Start(this, stream, headers);

    void ILinkOwner.OnDraining(Link link)
    {
    }

    void ILinkOwner.OnCapacity(Link link)
    {
    }

    void ILinkOwner.OnFault(Link link, RefusalReason reason, string detail) => Refuse(reason, detail);

    void ILinkOwner.OnEnded(Link link, string reason)
    {
        End();
        if (link.IsViolated) Refuse(RefusalReason.ProtocolViolation, reason);
        else NodeLog.LinkEnded(_context.Links.Logger, PeerAddress, reason);
    }

    // A newer handshake needs the place.
    private void GiveUp()
    {
        _tls!.Abort(ConnectionFault.Ended); // no call to OnHandshake follows
        FailHandshake(RefusalReason.Overloaded, $"the oldest of {TunnelShares.MaxHandshakes} handshakes with this pod made room for a new one");
    }

    private void OnHandshake(TlsConnection tls, bool established)
    {
        if (!established)
        {
            var failure = tls.HandshakeTimedOut ? RefusalReason.HandshakeTimedOut
                : tls.HandshakeRefusedPeer ? RefusalReason.PeerUntrusted
                : RefusalReason.HandshakeFailed;
            FailHandshake(failure, tls.HandshakeFailure ?? "");
            return;
        }

        string protocol = TunnelEntries.ProtocolOf(Entry);
        if (tls.Session.Alpn != protocol)
        {
            tls.Abort(ConnectionFault.Ended);
            FailHandshake(RefusalReason.HandshakeFailed, $"the peer does not speak {protocol} (ALPN)");
            return;
        }

        string trustDomain = _context.Views.Current.Settings.TrustDomain;
        var outcome = PeerVerifier.Verify(tls, _siblings.Current!.ServerOf(Entry), trustDomain, expected: null, _context.Links.Time, out var identity, out string detail);
        if (outcome != PeerCheckOutcome.Accepted)
        {
            tls.Abort(ConnectionFault.Ended);
            FailHandshake(PeerVerifier.ReasonOf(outcome), detail);
            return;
        }

        Peer = identity;
        _siblings.Shares.Establish(_place!);
        var elapsed = TimeSpan.FromTicks(_context.Loop.NowTicks - tls.StartedTicks);
        _context.Metrics.Handshake(elapsed.TotalSeconds, tls.Session.IsResumed, client: false);
        _link = Link.Start(tls, isServer: true, this, _context.Links.Options, _siblings.Budget);
        _link.EndsTicks = _context.Loop.NowTicks + (tls.Session.Peer!.NotAfter - _context.Links.Time.GetUtcNow()).Ticks;
        _link.ClosesWhenUnused = _siblings.IsTerminating;
        if ((_siblings.Leaving ?? _drainReason) is { } reason) _link.Drain(reason);
    }

    private void FailHandshake(RefusalReason reason, string detail)
    {
        End();
        _context.Metrics.HandshakeFailed(reason, client: false);
        Refuse(reason, detail);
    }

    private void End()
    {
        if (_place is null) return;
        _siblings.Shares.End(_place);
        _place = null;
        Pod.Hold(-1);
        _siblings.Tunnels.Remove(this);
    }

    private void Refuse(RefusalReason reason, string detail) =>
        _context.Refusals.Add(Reporter.Destination, reason, Pod.Uid, PeerAddress, OnlyTarget, detail);
}
