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

    // Above the 100 ms for which the other side waits for a ClientHello, and enough for a view that is on its way to arrive there.
    private static readonly TimeSpan SecondTryAfter = TimeSpan.FromMilliseconds(200);

    private readonly EventLoop _loop;
    private readonly LinkKey _key;
    private readonly LinkCredentials _credentials;
    private readonly ISocketSource _sockets;
    private readonly LinkContext _context;
    private readonly Func<LinkCredentials> _newest;
    private readonly Action<LinkDialer, TlsConnection?> _done;
    private readonly LoopTimer _secondTry;
    private Connector? _connector;
    private TlsConnection? _tls;
    private bool _isCancelled;
    private bool _hasTriedTwice;

    public LinkDialer(
        EventLoop loop, LinkKey key, LinkCredentials credentials, ISocketSource sockets, LinkContext context,
        Func<LinkCredentials> newest, Action<LinkDialer, TlsConnection?> done)
    {
        _loop = loop;
        _key = key;
        _credentials = credentials;
        _sockets = sockets;
        _context = context;
        _newest = newest;
        _done = done;
        _secondTry = new LoopTimer(Start);
    }

    /// <summary>Why it failed.</summary>
    public RefusalReason Reason { get; private set; }

    /// <summary>The same for a person.</summary>
    public string Detail { get; private set; } = "";

    public void Start() => _sockets.Take(this);

    // Whatever else listens on an app's port is never spoken to in its stead: neither in plaintext nor under another name.
    private string NoTunnelHere => _key.Entry == TunnelEntry.OriginalPort ? "no tunnel here: " : "";

    /// <summary>The pod ended: gives up without a call to the continuation.</summary>
    public void Cancel()
    {
        _isCancelled = true;
        _loop.Timers.Cancel(_secondTry);
        _sockets.Cancel(this);
        _connector?.Cancel();
        _tls?.Abort(ConnectionFault.Ended);
    }

    void ISocketTaker.OnSocket(int fd) =>
        _connector = Connector.Start(_loop, fd, bindTo: null, _key.Address, isWithinPod: false, ConnectTimeout, OnConnected);

    void ISocketTaker.OnNoSocket(string reason)
    {
        if (!_isCancelled) Fail(RefusalReason.NoSockets, reason);
    }

    private void OnConnected(int fd, Errno error)
    {
        _connector = null;
        if (error != Errno.None)
        {
            Fail(
                error == Errno.TimedOut ? RefusalReason.ConnectTimedOut : RefusalReason.ConnectFailed,
                error == Errno.TimedOut
                    ? _key.Entry == TunnelEntry.OriginalPort
                        ? $"no answer from {_key.Address}"
                        : $"no answer from {_key.Address}: does a NetworkPolicy or firewall block the tunnel port?"
                    : $"{_key.Address}: {error}");
            return;
        }

        // The second try does without: a ticket may be what made the first hello too long, or too late.
        var ticket = _hasTriedTwice ? null : _credentials.TakeTicket(_key);
        _tls = TlsConnection.Start(_loop, fd, _credentials.ClientOf(_key.Entry), ticket, HandshakeTimeout, OnHandshake);
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
            if (MayTryAgain(tls)) _loop.Arm(_secondTry, SecondTryAfter);
            else Fail(reason, $"{_key.Address}: {NoTunnelHere}{tls.HandshakeFailure}");
            return;
        }

        string protocol = TunnelEntries.ProtocolOf(_key.Entry);
        if (tls.Session.Alpn != protocol)
        {
            _context.Metrics.HandshakeFailed(RefusalReason.HandshakeFailed, client: true);
            tls.Abort(ConnectionFault.Ended);
            Fail(RefusalReason.HandshakeFailed, $"{_key.Address}: {NoTunnelHere}it does not speak {protocol} (ALPN)");
            return;
        }

        var outcome = PeerVerifier.Verify(tls, _newest().ClientOf(_key.Entry), _credentials.Svid.Id.TrustDomain, _key.Expected, _context.Time, out _, out string detail);
        if (outcome != PeerCheckOutcome.Accepted)
        {
            _context.Metrics.HandshakeFailed(PeerVerifier.ReasonOf(outcome), client: true);
            tls.Abort(ConnectionFault.Ended);
            Fail(PeerVerifier.ReasonOf(outcome), $"{_key.Address}: {NoTunnelHere}{detail}");
            return;
        }

        _context.Metrics.Handshake(TimeSpan.FromTicks(_loop.NowTicks - tls.StartedTicks).TotalSeconds, tls.Session.IsResumed, client: true);
        _done(this, tls);
    }

    // On the app's own port a ClientHello that came late is answered by the app or by a reset. No byte of an app was sent, so that
    // nothing happens twice.
    private bool MayTryAgain(TlsConnection tls)
    {
        if (_key.Entry != TunnelEntry.OriginalPort || _hasTriedTwice || tls.HandshakeTimedOut || tls.HandshakeRefusedPeer) return false;
        _hasTriedTwice = true;
        return true;
    }

    private void Fail(RefusalReason reason, string detail)
    {
        Reason = reason;
        Detail = detail;
        _done(this, null);
    }
}
