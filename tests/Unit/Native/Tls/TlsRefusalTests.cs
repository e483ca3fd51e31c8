using System.Security.Cryptography;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

public sealed class TlsRefusalTests
{
    private static readonly TestAuthority Authority = new();
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly TlsContext _client = TlsContext.Client(Authority.Issue());
    private readonly TlsContext _server = TlsContext.Server(Authority.Issue());

    [Fact]
    public void A_server_of_another_authority_is_refused_and_told_so()
    {
        using var stranger = TlsContext.Server(new TestAuthority("elsewhere").Issue(trusts: Authority));
        using var pair = new TlsPair(_client, stranger);

        var (client, server) = pair.Handshake();

        Assert.Equal((TlsStep.Failed, TlsStep.Failed), (client, server));
        Assert.Equal("the peer's certificate is refused: unable to get local issuer certificate", pair.Client.Failure);
        Assert.Equal("the peer refuses the connection with the alert unknown_ca", pair.Server.Failure);
    }

    [Fact]
    public void A_client_of_another_authority_is_refused_and_learns_it_with_its_first_read()
    {
        using var stranger = TlsContext.Client(new TestAuthority("elsewhere").Issue(trusts: Authority));
        using var pair = new TlsPair(stranger, _server);

        var (client, server) = pair.Handshake();

        Assert.Equal((TlsStep.Done, TlsStep.Failed), (client, server));
        Assert.Equal("the peer's certificate is refused: unable to get local issuer certificate", pair.Server.Failure);
        Assert.Equal(TlsStep.Failed, pair.Read(atClient: true, new byte[1], out _));
        Assert.Equal("the peer refuses the connection with the alert unknown_ca", pair.Client.Failure);
        Assert.Equal(TlsStep.Failed, pair.Read(atClient: true, new byte[1], out _));
        Assert.Null(pair.Server.Peer);
    }

    [Fact]
    public void An_expired_certificate_is_refused() =>
        AssertClientRefused(Authority.Issue(notBefore: Now.AddDays(-2), notAfter: Now.AddDays(-1)), "certificate has expired");

    [Fact]
    public void A_certificate_that_is_not_valid_yet_is_refused() =>
        AssertClientRefused(Authority.Issue(notBefore: Now.AddDays(1), notAfter: Now.AddDays(2)), "certificate is not yet valid");

    [Fact]
    public void A_servers_certificate_does_not_make_a_client() =>
        AssertClientRefused(Authority.Issue(client: false), "unsuitable certificate purpose");

    [Fact]
    public void A_clients_certificate_does_not_make_a_server()
    {
        using var server = TlsContext.Server(Authority.Issue(server: false));
        using var pair = new TlsPair(_client, server);

        Assert.Equal(TlsStep.Failed, pair.Handshake().Client);
        Assert.Equal("the peer's certificate is refused: unsuitable certificate purpose", pair.Client.Failure);
    }

    [Fact]
    public void A_chain_without_its_intermediate_is_refused()
    {
        var settings = new TestAuthority("intermediate", Authority).Issue(trusts: Authority);
        AssertClientRefused(settings with { CertificateChain = [settings.CertificateChain[0]] }, "unable to get local issuer certificate");
    }

    [Fact]
    public void An_intermediate_in_the_bundle_is_trusted_as_it_is()
    {
        var intermediate = new TestAuthority("intermediate", Authority);
        using var server = TlsContext.Server(Authority.Issue(trusts: intermediate));
        using var client = TlsContext.Client(intermediate.Issue(trusts: Authority));

        using var pair = TlsPair.Established(client, server);

        Assert.True(pair.Server.VerifyPeerChain(out _));
        Assert.True(pair.Server.VerifyPeerChain(out string? reason), reason);
    }

    [Fact]
    public void A_leaf_does_not_sign_certificates()
    {
        // The thief has a good leaf and its key, and signs another leaf with it.
        var thief = Authority.Issue(["spiffe://cluster.local/ns/shop/sa/thief"]);
        using var thiefKey = ECDsa.Create();
        thiefKey.ImportPkcs8PrivateKey(thief.PrivateKeyPkcs8.Span, out _);
        using var thiefLeaf = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificate(thief.CertificateChain[0].Span);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=forged", key, HashAlgorithmName.SHA256);
        using var forged = request.Create(
            thiefLeaf.SubjectName, System.Security.Cryptography.X509Certificates.X509SignatureGenerator.CreateForECDsa(thiefKey),
            Now.AddHours(-1), Now.AddHours(1), [1, 2, 3]);

        AssertClientRefused(
            thief with { CertificateChain = [forged.RawData, thief.CertificateChain[0]], PrivateKeyPkcs8 = key.ExportPkcs8PrivateKey() },
            "invalid CA certificate");
    }

    [Fact]
    public void A_certificate_of_forty_kilobytes_is_refused_unread()
    {
        using var client = TlsContext.Client(Authority.Issue(rawUri: new byte[40_000]));
        using var pair = new TlsPair(client, _server);

        Assert.Equal(TlsStep.Failed, pair.Handshake().Server);
        Assert.Equal("excessive message size", pair.Server.Failure);
    }

    [Fact]
    public void Without_a_common_protocol_there_is_no_connection()
    {
        using var client = TlsContext.Client(Authority.Issue(alpn: ["ambient-hbone/1"]));
        using var pair = new TlsPair(client, _server);

        Assert.Equal((TlsStep.Failed, TlsStep.Failed), pair.Handshake());

        Assert.Equal("the peer refuses the connection with the alert no_application_protocol", pair.Client.Failure);
        Assert.Equal("the peer offers none of our application protocols (ALPN)", pair.Server.Failure);
    }

    [Fact]
    public void The_servers_order_of_protocols_decides()
    {
        using var client = TlsContext.Client(Authority.Issue(alpn: ["h2", "ambient-hbone/1"]));
        using var server = TlsContext.Server(Authority.Issue(alpn: ["ambient-hbone/1", "h2"]));
        using var without = TlsContext.Client(Authority.Issue(alpn: []));

        using var pair = TlsPair.Established(client, server);
        using var silent = TlsPair.Established(without, server);

        Assert.Equal(("ambient-hbone/1", "ambient-hbone/1"), (pair.Client.Alpn, pair.Server.Alpn));
        Assert.Equal((null, null), (silent.Client.Alpn, silent.Server.Alpn));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "the peer speaks HTTP without TLS")]
    [InlineData("CONNECT x:1 HTTP/1.1\r\n\r\n", "the peer speaks HTTP without TLS")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "what the peer sends is not TLS (wrong version number)")]
    [InlineData("*1\r\n$4\r\nPING\r\n", "what the peer sends is not TLS")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "what the peer sends is not TLS (wrong version number)")]
    public void Other_protocols_are_refused_by_name_where_they_have_one(string text, string reason)
    {
        using var session = new TlsSession(_server);
        var io = new TlsIo { Input = System.Text.Encoding.ASCII.GetBytes(text), Output = new byte[4096] };

        Assert.Equal(TlsStep.Failed, session.Handshake(ref io));

        Assert.StartsWith(reason, session.Failure);
        Assert.Equal(TlsStep.Failed, session.Handshake(ref io));
        Assert.Equal(TlsStep.Failed, session.Close(ref io));
    }

    [Fact]
    public void Garbage_never_does_more_than_fail()
    {
        var random = new Random(7);
        for (int round = 0; round < 2_000; round++)
        {
            byte[] garbage = new byte[random.Next(1, 600)];
            random.NextBytes(garbage);
            if (round % 2 == 0 && garbage.Length > 5)
                new byte[] { 22, 3, 1, (byte)(garbage.Length - 5 >> 8), (byte)(garbage.Length - 5), 1, 0 }.AsSpan(0, Math.Min(7, garbage.Length)).CopyTo(garbage);
            using var session = new TlsSession(round % 3 == 0 ? _client : _server);
            var io = new TlsIo { Input = garbage, Output = new byte[2048] };
            var step = session.Handshake(ref io);
            Assert.True(step is TlsStep.Failed or TlsStep.NeedInput, $"round {round}: {step}");
            Assert.Equal(step == TlsStep.Failed, session.Failure is not null);
        }
    }

    [Fact]
    public void A_flipped_bit_anywhere_in_the_clients_flight_is_a_failure_and_no_crash()
    {
        using var good = new TlsPair(_client, _server) { Recording = new MemoryStream() };
        good.Handshake();
        byte[] flight = good.Recording.ToArray();
        for (int at = 0; at < flight.Length; at += 3)
        {
            byte[] changed = (byte[])flight.Clone();
            changed[at] ^= 0x10;
            using var session = new TlsSession(_server);
            var io = new TlsIo { Input = changed, Output = new byte[32 << 10] };
            var step = session.Handshake(ref io);
            Assert.True(step is TlsStep.Failed or TlsStep.NeedInput, $"byte {at}: {step}");
        }
    }

    [Fact]
    public void A_changed_record_after_the_handshake_breaks_the_session_after_what_came_before_it()
    {
        using var pair = TlsPair.Established(_client, _server);
        byte[] cipher = new byte[4096];
        var sent = new TlsIo { Output = cipher };
        pair.Client.Write(ref sent, "good"u8, out _);
        int boundary = sent.Written;
        pair.Client.Write(ref sent, "bad"u8, out _);
        cipher[boundary + 7] ^= 1;

        var io = new TlsIo { Input = cipher.AsSpan(0, sent.Written), Output = new byte[1024] };
        byte[] plaintext = new byte[100];
        Assert.Equal(TlsStep.Done, pair.Server.Read(ref io, plaintext, out int produced));
        Assert.Equal("good"u8.ToArray(), plaintext[..produced]);
        Assert.Equal(TlsStep.Failed, pair.Server.Read(ref io, plaintext, out produced));
        Assert.Equal(0, produced);
        Assert.Equal("a record of the peer does not decrypt (bad record mac)", pair.Server.Failure);
        Assert.True(io.Written > 0);                              // the alert
        Assert.Equal(TlsStep.Failed, pair.Server.Write(ref io, "x"u8, out _));
    }

    [Fact]
    public void A_failure_leaves_other_sessions_of_the_thread_alone()
    {
        using var good = TlsPair.Established(_client, _server);
        using var bad = new TlsSession(_server);
        var io = new TlsIo { Input = "GET / HTTP/1.1\r\n\r\n"u8, Output = new byte[1024] };
        Assert.Equal(TlsStep.Failed, bad.Handshake(ref io));

        Assert.Equal(TlsStep.NeedInput, good.Read(atClient: false, new byte[10], out _));
        good.Write(fromClient: true, "fine"u8);
        Assert.Equal("fine"u8.ToArray(), good.ReadExactly(atClient: false, 4));
    }

    [Fact]
    public void Several_names_are_all_shown() => Assert.Equal(
        ["spiffe://cluster.local/ns/a/sa/b", "https://second.example/"],
        PeerOf(Authority.Issue(["spiffe://cluster.local/ns/a/sa/b", "https://second.example/"])).UriSans);

    [Fact]
    public void A_name_with_a_zero_byte_or_a_foreign_character_is_kept_whole()
    {
        Assert.Equal(
            ["spiffe://cluster.local/ns/a/sa/b\0.evil.example"],
            PeerOf(Authority.Issue(rawUri: "spiffe://cluster.local/ns/a/sa/b\0.evil.example"u8.ToArray())).UriSans);
        Assert.Equal(["spiffe://é"], PeerOf(Authority.Issue(rawUri: [.. "spiffe://"u8, 0xe9])).UriSans);
        Assert.Equal([""], PeerOf(Authority.Issue(rawUri: [])).UriSans);
    }

    [Fact]
    public void A_peers_dates_are_read_to_the_second()
    {
        using var client = TlsContext.Client(Authority.Issue(notBefore: Now.AddMinutes(-5), notAfter: Now.AddMinutes(5)));
        using var pair = TlsPair.Established(client, _server);
        var peer = pair.Server.Peer!;
        using var expected = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificate(peer.Der);

        Assert.Equal(new DateTimeOffset(expected.NotBefore.ToUniversalTime()), peer.NotBefore);
        Assert.Equal(new DateTimeOffset(expected.NotAfter.ToUniversalTime()), peer.NotAfter);
    }

    private PeerCertificate PeerOf(TlsSettings settings)
    {
        using var client = TlsContext.Client(settings);
        using var pair = TlsPair.Established(client, _server);
        return pair.Server.Peer!;
    }

    private void AssertClientRefused(TlsSettings settings, string reason)
    {
        using var client = TlsContext.Client(settings);
        using var pair = new TlsPair(client, _server);

        Assert.Equal(TlsStep.Failed, pair.Handshake().Server);

        Assert.Equal($"the peer's certificate is refused: {reason}", pair.Server.Failure);
    }
}
