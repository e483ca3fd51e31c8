using Ambient.Native.Tls;
using Ambient.NodeProxy.Identity;

namespace Ambient.NodeProxy.Tunnel;

/// <summary>One certificate of a pod as TLS needs it, on one loop. Tickets live as long as it does: a new certificate forgets the old sessions.</summary>
internal sealed class LinkCredentials : IDisposable
{
    // Two, because a ticket serves one connection and two may be opened at once; more only grow old.
    private const int TicketsPerDestination = 2;
    private const int MaxDestinations = 1024;

    // One of each entry, made when it is first needed: most meshes use one entry only, and a context costs about 22 KB.
    private readonly TlsContext?[] _clients = new TlsContext?[2];
    private readonly TlsContext?[] _servers = new TlsContext?[2];
    private readonly Dictionary<string, Queue<TlsTicket>> _tickets = [];
    private readonly Func<IReadOnlyList<ReadOnlyMemory<byte>>, TlsTrust>? _trustOf;

    /// <param name="svid">The certificate.</param>
    /// <param name="trustOf">Gives the roots of a bundle as others share them; null makes them for this one alone.</param>
    public LinkCredentials(Svid svid, Func<IReadOnlyList<ReadOnlyMemory<byte>>, TlsTrust>? trustOf = null)
    {
        Svid = svid;
        _trustOf = trustOf;
    }

    public Svid Svid { get; }

    /// <summary>To dial an entry with.</summary>
    public TlsContext ClientOf(TunnelEntry entry) => _clients[(int)entry] ??= Make(TlsContext.Client, entry);

    /// <summary>To answer at an entry with.</summary>
    public TlsContext ServerOf(TunnelEntry entry) => _servers[(int)entry] ??= Make(TlsContext.Server, entry);

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
        foreach (var context in _clients) context?.Dispose();
        foreach (var context in _servers) context?.Dispose();
    }

    /// <summary>What a certificate is to TLS at an entry.</summary>
    public static TlsSettings SettingsOf(Svid svid, TunnelEntry entry) => new()
    {
        CertificateChain = [.. svid.Chain.Select(der => (ReadOnlyMemory<byte>)der)],
        PrivateKeyPkcs8 = svid.PrivateKeyPkcs8,
        TrustBundle = [.. svid.TrustBundle.Select(der => (ReadOnlyMemory<byte>)der)],
        Alpn = [TunnelEntries.ProtocolOf(entry)],
        // A ticket costs 170 us at a full handshake, and a resumed one renews it.
        Tickets = 1,
    };

    private TlsContext Make(Func<TlsSettings, TlsTrust?, TlsContext> make, TunnelEntry entry)
    {
        var settings = SettingsOf(Svid, entry);
        return make(settings, _trustOf?.Invoke(settings.TrustBundle));
    }

    private void Forget(string name)
    {
        if (!_tickets.Remove(name, out var queue)) return;
        foreach (var ticket in queue) ticket.Dispose();
    }

    private static string TicketName(LinkKey key) => $"{key.DestinationUid} {key.Address} {key.Entry} {key.Expected}";
}
