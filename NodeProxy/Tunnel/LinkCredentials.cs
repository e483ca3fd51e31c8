using Ambient.Native.Tls;
using Ambient.NodeProxy.Identity;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>One certificate of a pod as TLS needs it, on one loop. Tickets live as long as it does: a new certificate forgets the old sessions.</summary>
internal sealed class LinkCredentials : IDisposable
{
    /// <summary>Offered to other meshes' proxies and between our own nodes on the tunnel port.</summary>
    public const string Alpn = "h2";

    // Two, because a ticket serves one connection and two may be opened at once; more only grow old.
    private const int TicketsPerDestination = 2;
    private const int MaxDestinations = 1024;

    private readonly Dictionary<string, Queue<TlsTicket>> _tickets = [];

    public LinkCredentials(Svid svid)
    {
        Svid = svid;
        var settings = new TlsSettings
        {
            CertificateChain = [.. svid.Chain.Select(der => (ReadOnlyMemory<byte>)der)],
            PrivateKeyPkcs8 = svid.PrivateKeyPkcs8,
            TrustBundle = [.. svid.TrustBundle.Select(der => (ReadOnlyMemory<byte>)der)],
            Alpn = [Alpn],
            // A ticket costs 170 us at a full handshake, and a resumed one renews it.
            Tickets = 1,
        };
        Client = TlsContext.Client(settings);
        Server = TlsContext.Server(settings);
    }

    public Svid Svid { get; }

    public TlsContext Client { get; }

    public TlsContext Server { get; }

    /// <summary>A session to resume with that pod under that identity; used up by taking it.</summary>
    public TlsTicket? TakeTicket(LinkKey key) =>
        _tickets.TryGetValue(TicketName(key), out var queue) && queue.TryDequeue(out var ticket) ? ticket : null;

    /// <summary>Keeps a session for later.</summary>
    public void KeepTicket(LinkKey key, TlsTicket ticket)
    {
        string name = TicketName(key);
        if (!_tickets.TryGetValue(name, out var queue))
        {
            if (_tickets.Count >= MaxDestinations) Forget(_tickets.Keys.First());
            _tickets[name] = queue = new Queue<TlsTicket>(TicketsPerDestination);
        }

        while (queue.Count >= TicketsPerDestination) queue.Dequeue().Dispose();
        queue.Enqueue(ticket);
    }

    public void Dispose()
    {
        foreach (string name in _tickets.Keys.ToArray()) Forget(name);
        Client.Dispose();
        Server.Dispose();
    }

    private void Forget(string name)
    {
        if (!_tickets.Remove(name, out var queue)) return;
        foreach (var ticket in queue) ticket.Dispose();
    }

    private static string TicketName(LinkKey key) => $"{key.DestinationUid} {key.Address} {key.Expected}";
}
