using System.Net;
using Ambient.Native.Sockets;
using Ambient.NodeProxy.Capture;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Http2.Hpack;
using Ambient.NodeProxy.Identity;
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

    private InboundTunnel(InboundContext context, PodOnLoop pod, PodTunnels siblings, IPEndPoint peer)
    {
        _context = context;
        _siblings = siblings;
        Pod = pod;
        PeerAddress = peer;
    }

    /// <summary>Whose listener accepted it.</summary>
    public PodOnLoop Pod { get; }

    /// <summary>Who dialled: the source pod's address, since its node dials from its namespace.</summary>
    public IPEndPoint PeerAddress { get; }

    /// <summary>Who proved itself.</summary>
    public SpiffeId? Peer { get; private set; }

    public InboundContext Context => _context;

    /// <summary>Starts the handshake.</summary>
    public static void Start(InboundContext context, PodOnLoop pod, PodTunnels siblings, int fd, IPEndPoint peer)
    {
        var tunnel = new InboundTunnel(context, pod, siblings, peer);
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

        if (siblings.Handshakes >= PodTunnels.MaxHandshakes)
        {
            tunnel.Refuse(RefusalReason.Overloaded, $"{PodTunnels.MaxHandshakes} handshakes with this pod are under way");
            SocketCalls.CloseWithReset(fd);
            return;
        }

        siblings.Renew(credentials);
        siblings.Handshakes++;
        siblings.Tunnels.Add(tunnel);
        tunnel._tls = TlsConnection.Start(context.Loop, fd, credentials.Server, ticket: null, HandshakeTimeout, tunnel.OnHandshake);
    }

    /// <summary>No new streams; closes when the last has ended.</summary>
    public void Drain(string reason) => _link?.Drain(reason);

    /// <summary>Ends at once.</summary>
    public void Cut(string reason)
    {
        if (_link is not null) _link.Abort(ConnectionFault.Ended, reason);
        else if (_tls is { IsClosed: false })
        {
            _tls.Abort(ConnectionFault.Ended); // no call to OnHandshake follows
            _siblings.Handshakes--;
        }

        _siblings.Tunnels.Remove(this);
    }

    void ILinkOwner.OnRequest(Link link, TunnelStream stream, HeaderList headers) => InboundRequest.Start(this, stream, headers);

    void ILinkOwner.OnDraining(Link link)
    {
    }

    void ILinkOwner.OnCapacity(Link link)
    {
    }

    void ILinkOwner.OnEnded(Link link, string reason)
    {
        _siblings.Tunnels.Remove(this);
        NodeLog.LinkEnded(_context.Links.Logger, PeerAddress, reason);
    }

    private void OnHandshake(TlsConnection tls, bool established)
    {
        _siblings.Handshakes--;
        if (!established)
        {
            _siblings.Tunnels.Remove(this);
            var failure = tls.HandshakeTimedOut ? RefusalReason.HandshakeTimedOut : RefusalReason.HandshakeFailed;
            _context.Metrics.HandshakeFailed(failure, client: false);
            Refuse(failure, tls.HandshakeFailure ?? "");
            return;
        }

        if (tls.Session.Alpn != LinkCredentials.Alpn)
        {
            _siblings.Tunnels.Remove(this);
            _context.Metrics.HandshakeFailed(RefusalReason.HandshakeFailed, client: false);
            Refuse(RefusalReason.HandshakeFailed, $"the peer does not speak {LinkCredentials.Alpn} (ALPN)");
            tls.Abort(ConnectionFault.Ended);
            return;
        }

        string trustDomain = _context.Views.Current.Settings.TrustDomain;
        var outcome = PeerVerifier.Verify(tls, _siblings.Current!.Server, trustDomain, expected: null, _context.Links.Time, out var identity, out string detail);
        if (outcome != PeerCheckOutcome.Accepted)
        {
            _siblings.Tunnels.Remove(this);
            _context.Metrics.HandshakeFailed(PeerVerifier.ReasonOf(outcome), client: false);
            Refuse(PeerVerifier.ReasonOf(outcome), detail);
            tls.Abort(ConnectionFault.Ended);
            return;
        }

        Peer = identity;
        var elapsed = TimeSpan.FromTicks(_context.Loop.NowTicks - tls.StartedTicks);
        _context.Metrics.Handshake(elapsed.TotalSeconds, tls.Session.IsResumed, client: false);
        _link = Link.Start(tls, isServer: true, this, _context.Links.Options, _siblings.Budget);
        _link.EndsTicks = _context.Loop.NowTicks + (tls.Session.Peer!.NotAfter - _context.Links.Time.GetUtcNow()).Ticks;
        _link.ClosesWhenUnused = _siblings.IsTerminating;
        if (_siblings.Leaving is { } reason) _link.Drain(reason);
    }

    private void Refuse(RefusalReason reason, string detail) =>
        _context.Refusals.Add(Reporter.Destination, reason, Pod.Uid, PeerAddress, null, detail);
}
