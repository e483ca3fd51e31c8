using Ambient.Native.Descriptors;
using Ambient.NodeProxy.Engine;
using Ambient.NodeProxy.Identity;
using Ambient.NodeProxy.Telemetry;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>
/// Opens one link: a socket of the source pod, a TCP connection, a handshake with the pod's certificate, and the check that the
/// expected pod answers. Only then is there a link.
/// </summary>
internal sealed class LinkDialer : ISocketTaker
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    private readonly EventLoop _loop;
    private readonly LinkKey _key;
    private readonly LinkCredentials _credentials;
    private readonly ISocketSource _sockets;
    private readonly LinkContext _context;
    private readonly Action<LinkDialer, TlsConnection?> _done;
    private Connector? _connector;
    private TlsConnection? _tls;

    public LinkDialer(
        EventLoop loop, LinkKey key, LinkCredentials credentials, ISocketSource sockets, LinkContext context, Action<LinkDialer, TlsConnection?> done)
    {
        _loop = loop;
        _key = key;
        _credentials = credentials;
        _sockets = sockets;
        _context = context;
        _done = done;
    }

    /// <summary>Why it failed.</summary>
    public RefusalReason Reason { get; private set; }

    /// <summary>The same for a person.</summary>
    public string Detail { get; private set; } = "";

    public void Start() => _sockets.Take(this);

    /// <summary>The pod ended: gives up without a call to the continuation.</summary>
    public void Cancel()
    {
        _sockets.Cancel(this);
        _connector?.Cancel();
        _tls?.Abort(ConnectionFault.Ended);
    }

    void ISocketTaker.OnSocket(int fd) =>
        _connector = Connector.Start(_loop, fd, bindTo: null, _key.Address, ConnectTimeout, OnConnected);

    void ISocketTaker.OnNoSocket(string reason) => Fail(RefusalReason.NoSockets, reason);

    private void OnConnected(int fd, Errno error)
    {
        _connector = null;
        if (error != Errno.None)
        {
            Fail(
                error == Errno.TimedOut ? RefusalReason.ConnectTimedOut : RefusalReason.ConnectFailed,
                error == Errno.TimedOut
                    ? $"no answer from {_key.Address}: does a NetworkPolicy or firewall block the tunnel port?"
                    : $"{_key.Address}: {error}");
            return;
        }

        _tls = TlsConnection.Start(_loop, fd, _credentials.Client, _credentials.TakeTicket(_key), HandshakeTimeout, OnHandshake);
    }

    private void OnHandshake(TlsConnection tls, bool established)
    {
        _tls = null;
        if (!established)
        {
            var reason = tls.HandshakeTimedOut ? RefusalReason.HandshakeTimedOut
                : tls.HandshakeRefusedPeer ? RefusalReason.PeerUntrusted
                : RefusalReason.HandshakeFailed;
            _context.Metrics.HandshakeFailed(reason, client: true);
            Fail(reason, $"{_key.Address}: {tls.HandshakeFailure}");
            return;
        }

        if (tls.Session.Alpn != LinkCredentials.Alpn)
        {
            _context.Metrics.HandshakeFailed(RefusalReason.HandshakeFailed, client: true);
            tls.Abort(ConnectionFault.Ended);
            Fail(RefusalReason.HandshakeFailed, $"{_key.Address} does not speak {LinkCredentials.Alpn} (ALPN)");
            return;
        }

        var outcome = PeerVerifier.Verify(tls, _credentials.Svid.Id.TrustDomain, _key.Expected, _context.Time, out _, out string detail);
        if (outcome != PeerCheckOutcome.Accepted)
        {
            _context.Metrics.HandshakeFailed(PeerVerifier.ReasonOf(outcome), client: true);
            tls.Abort(ConnectionFault.Ended);
            Fail(PeerVerifier.ReasonOf(outcome), $"{_key.Address}: {detail}");
            return;
        }

        _context.Metrics.Handshake(TimeSpan.FromTicks(_loop.NowTicks - tls.StartedTicks).TotalSeconds, tls.Session.IsResumed, client: true);
        _done(this, tls);
    }

    private void Fail(RefusalReason reason, string detail)
    {
        Reason = reason;
        Detail = detail;
        _done(this, null);
    }
}
