using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

public sealed class TlsResumptionTests
{
    private static readonly TestAuthority Authority = new();

    private readonly TlsContext _client = TlsContext.Client(Authority.Issue(["spiffe://cluster.local/ns/shop/sa/cart"]));
    private readonly TlsContext _server = TlsContext.Server(Authority.Issue(["spiffe://cluster.local/ns/shop/sa/orders"]));

    [Fact]
    public void A_resumed_session_has_both_identities_and_a_chain_that_verifies()
    {
        using var ticket = Tickets(_client, _server)[0];

        using var pair = TlsPair.Established(_client, _server, ticket);

        Assert.True(pair.Client.IsResumed);
        Assert.True(pair.Server.IsResumed);
        Assert.Equal(["spiffe://cluster.local/ns/shop/sa/orders"], pair.Client.Peer!.UriSans);
        Assert.Equal(["spiffe://cluster.local/ns/shop/sa/cart"], pair.Server.Peer!.UriSans);
        Assert.True(pair.Client.VerifyPeerChain(out string? reason), reason);
        Assert.True(pair.Server.VerifyPeerChain(out reason), reason);
        Assert.Equal("h2", pair.Server.Alpn);
        Assert.Contains(pair.Server.Group, new[] { "x25519", "X25519MLKEM768" });       // a fresh key exchange, not the ticket's secret alone
        pair.Write(fromClient: true, "hello"u8);
        Assert.Equal("hello"u8.ToArray(), pair.ReadExactly(atClient: false, 5));
    }

    [Fact]
    public void A_full_handshake_brings_as_many_tickets_as_set_and_a_resumed_one_renews_one()
    {
        var tickets = Tickets(_client, _server);
        Assert.Equal(2, tickets.Count);

        var renewed = Tickets(_client, _server, tickets[0]);

        Assert.Single(renewed);
        using var pair = TlsPair.Established(_client, _server, renewed[0]);
        Assert.True(pair.Client.IsResumed);
        Assert.Empty(Tickets(_client, TlsContext.Server(Authority.Issue(tickets: 0))));
    }

    [Fact]
    public void All_tickets_of_a_session_stay_good_after_it_was_freed_without_a_close()
    {
        foreach (var ticket in Tickets(_client, _server))
        {
            using var pair = TlsPair.Established(_client, _server, ticket);
            Assert.True(pair.Client.IsResumed);
        }
    }

    [Fact]
    public void A_ticket_is_good_for_one_connection_and_then_means_a_full_handshake()
    {
        using var ticket = Tickets(_client, _server)[0];
        using (var first = TlsPair.Established(_client, _server, ticket))
            Assert.True(first.Client.IsResumed);

        using var second = TlsPair.Established(_client, _server, ticket);

        Assert.False(second.Client.IsResumed);
        Assert.NotNull(second.Server.Peer);
    }

    [Fact]
    public void A_ticket_lives_on_after_it_was_handed_to_a_session()
    {
        var ticket = Tickets(_client, _server)[0];
        using var pair = new TlsPair(_client, _server, ticket);
        ticket.Dispose();

        Assert.Equal((TlsStep.Done, TlsStep.Done), pair.Handshake());

        Assert.True(pair.Client.IsResumed);
        Assert.Throws<ObjectDisposedException>(() => new TlsSession(_client, ticket));
    }

    [Fact]
    public void A_server_with_another_certificate_takes_no_ticket_of_the_old_one()
    {
        using var ticket = Tickets(_client, _server)[0];
        using var renewed = TlsContext.Server(Authority.Issue(["spiffe://cluster.local/ns/shop/sa/orders"]));

        using var pair = TlsPair.Established(_client, renewed, ticket);

        Assert.False(pair.Client.IsResumed);
        Assert.False(pair.Server.IsResumed);
    }

    [Fact]
    public void A_ticket_of_one_identity_cannot_be_used_by_another()
    {
        using var ticket = Tickets(_client, _server)[0];
        using var other = TlsContext.Client(Authority.Issue(["spiffe://cluster.local/ns/shop/sa/thief"]));

        Assert.Throws<ArgumentException>(() => new TlsSession(other, ticket));
        Assert.Throws<ArgumentException>(() => new TlsSession(_server, ticket));
    }

    [Fact]
    public void A_chain_with_intermediates_verifies_on_both_sides_after_a_resumption_too()
    {
        var intermediate = new TestAuthority("intermediate", Authority);
        var second = new TestAuthority("second", intermediate);
        using var client = TlsContext.Client(second.Issue(["spiffe://cluster.local/ns/a/sa/b"], trusts: Authority));
        using var server = TlsContext.Server(second.Issue(["spiffe://cluster.local/ns/c/sa/d"], trusts: Authority));
        var tickets = Tickets(client, server);
        var renewed = Tickets(client, server, tickets[0]);       // what a ticket carries goes on into the next

        using var pair = TlsPair.Established(client, server, renewed[0]);

        Assert.True(pair.Server.IsResumed);
        Assert.True(pair.Client.VerifyPeerChain(out string? reason), reason);
        Assert.True(pair.Server.VerifyPeerChain(out reason), reason);
    }

    [Fact]
    public async Task A_certificate_that_has_expired_since_fails_the_verification_of_the_resumed_session()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var client = TlsContext.Client(Authority.Issue(notBefore: now.AddHours(-1), notAfter: now.AddSeconds(3)));
        using var ticket = Tickets(client, _server)[0];
        while (TimeProvider.System.GetUtcNow() < now.AddSeconds(4))
            await Task.Delay(100, TestContext.Current.CancellationToken);

        using var pair = TlsPair.Established(client, _server, ticket);

        // Resumed or refused by libssl's own look at the ticket: in both cases nobody is let in.
        Assert.True(pair.Server.IsResumed);
        Assert.False(pair.Server.VerifyPeerChain(out string? reason));
        Assert.Equal("certificate has expired", reason);
        Assert.True(pair.Server.Peer!.NotAfter < TimeProvider.System.GetUtcNow());
    }

    [Fact]
    public void A_flood_of_tickets_keeps_the_newest_four()
    {
        using var server = TlsContext.Server(Authority.Issue(tickets: 4));
        Assert.Equal(4, Tickets(_client, server).Count);

        using var pair = TlsPair.Established(_client, server);
        pair.Write(fromClient: false, "x"u8);
        pair.ReadExactly(atClient: true, 1);
        pair.Dispose();                                          // tickets that nobody took are freed with the session
        Assert.Throws<ObjectDisposedException>(() => pair.Client.TakeTicket());
    }

    private static List<TlsTicket> Tickets(TlsContext client, TlsContext server, TlsTicket? resume = null)
    {
        using var pair = TlsPair.Established(client, server, resume);
        Assert.Equal(resume is not null, pair.Client.IsResumed);
        Assert.Null(pair.Client.TakeTicket());
        pair.Write(fromClient: false, "x"u8);
        pair.ReadExactly(atClient: true, 1);
        var tickets = new List<TlsTicket>();
        while (pair.Client.TakeTicket() is { } ticket)
            tickets.Add(ticket);
        return tickets;
    }
}
