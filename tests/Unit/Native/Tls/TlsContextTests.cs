using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

public sealed class TlsContextTests
{
    private static readonly TestAuthority Authority = new();

    [Fact]
    public void Material_that_cannot_be_used_is_refused_with_what_is_wrong_with_it()
    {
        var good = Authority.Issue();
        byte[] trailing = [.. good.CertificateChain[0].Span, 0];
        using var otherKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);

        Refused(good with { CertificateChain = [] }, "There is no certificate.");
        Refused(good with { CertificateChain = [ReadOnlyMemory<byte>.Empty] }, "The certificate is not a certificate in DER");
        Refused(good with { CertificateChain = ["garbage"u8.ToArray()] }, "The certificate is not a certificate in DER");
        Refused(good with { CertificateChain = [trailing] }, "The certificate has bytes behind its end.");
        Refused(good with { CertificateChain = [good.CertificateChain[0], "garbage"u8.ToArray()] }, "Certificate 2 of the chain is not a certificate in DER");
        Refused(good with { PrivateKeyPkcs8 = ReadOnlyMemory<byte>.Empty }, "The private key is not PKCS #8");
        Refused(good with { PrivateKeyPkcs8 = "garbage"u8.ToArray() }, "The private key is not PKCS #8");
        Refused(good with { PrivateKeyPkcs8 = otherKey.ExportPkcs8PrivateKey() }, "The private key does not belong to the certificate");
        Refused(good with { TrustBundle = [] }, "The trust bundle is empty.");
        Refused(good with { TrustBundle = ["garbage"u8.ToArray()] }, "A certificate of the trust bundle is not a certificate in DER");
        Refused(good with { Alpn = [""] }, "An application protocol has 1 to 255 ASCII characters.");
        Refused(good with { Alpn = ["h²"] }, "An application protocol has 1 to 255 ASCII characters.");
        Refused(good with { Tickets = 5 }, "A server sends 0 to 4 tickets.");
    }

    [Fact]
    public void Settings_never_print_their_key() =>
        Assert.DoesNotContain(Convert.ToHexString(Authority.Issue().PrivateKeyPkcs8.Span[^16..]), Authority.Issue().ToString(), StringComparison.OrdinalIgnoreCase);

    [Fact]
    public void A_bundle_may_name_an_authority_twice_and_hold_several()
    {
        var other = new TestAuthority("other");
        using var client = TlsContext.Client(other.Issue(trusts: Authority));
        using var server = TlsContext.Server(Authority.Issue() with { TrustBundle = [other.Root, Authority.Root, other.Root] });

        using var pair = TlsPair.Established(client, server);
        Assert.True(pair.Server.VerifyPeerChain(out _) && pair.Server.VerifyPeerChain(out _));
    }

    [Fact]
    public void An_RSA_identity_works_on_either_side()
    {
        using var client = TlsContext.Client(Authority.Issue(rsa: true));
        using var server = TlsContext.Server(Authority.Issue(rsa: true));
        using var pair = TlsPair.Established(client, server);
        Assert.NotNull(pair.Server.Peer);
    }

    [Fact]
    public void Sessions_outlive_a_context_that_is_disposed_even_before_the_handshake()
    {
        var client = TlsContext.Client(Authority.Issue());
        var server = TlsContext.Server(Authority.Issue());
        using var pair = new TlsPair(client, server);
        client.Dispose();
        server.Dispose();
        Collect();

        Assert.Equal((TlsStep.Done, TlsStep.Done), pair.Handshake());          // ALPN choice reads the context's memory

        Assert.Equal("h2", pair.Server.Alpn);
        Assert.True(pair.Server.VerifyPeerChain(out _) && pair.Server.VerifyPeerChain(out _));
        Assert.Throws<ObjectDisposedException>(() => new TlsSession(server));
    }

    [Fact]
    public void Sessions_keep_a_forgotten_context_alive_and_forgotten_sessions_go()
    {
        var (pair, sessions) = Forgotten();
        Collect();

        Assert.Equal((TlsStep.Done, TlsStep.Done), pair.Handshake());
        Assert.All(sessions, session => Assert.False(session.IsAlive));
        pair.Dispose();
        pair.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pair.Client.Alpn);
        Assert.Throws<ObjectDisposedException>(() => pair.Handshake());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (TlsPair, List<WeakReference>) Forgotten()
        {
            var client = TlsContext.Client(Authority.Issue());
            var server = TlsContext.Server(Authority.Issue());
            var sessions = new List<WeakReference>();
            for (int i = 0; i < 100; i++)
            {
                var pair = TlsPair.Established(client, server);
                pair.Write(fromClient: false, "x"u8);
                pair.ReadExactly(atClient: true, 1);
                sessions.Add(new WeakReference(pair.Client));                   // with tickets that nobody took
            }
            return (new TlsPair(client, server), sessions);
        }
    }

    [Fact]
    public void One_context_serves_many_threads_while_the_collector_runs()
    {
        using var client = TlsContext.Client(Authority.Issue());
        using var server = TlsContext.Server(Authority.Issue());
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, thread =>
        {
            TlsTicket? ticket = null;
            for (int i = 0; i < 60; i++)
            {
                using var pair = TlsPair.Established(client, server, ticket, fragmentBytes: 500 + (100 * thread));
                ticket?.Dispose();
                pair.Write(fromClient: false, new byte[3_000]);
                pair.ReadExactly(atClient: true, 3_000);
                ticket = pair.Client.TakeTicket();
                if (i % 20 == 0) GC.Collect();
                else GC.Collect(0);
            }
            ticket?.Dispose();
        });
    }

    private static void Refused(TlsSettings settings, string reason)
    {
        Assert.StartsWith(reason, Assert.Throws<TlsException>(() => TlsContext.Server(settings)).Message);
        if (reason.Contains("tickets")) return;
        Assert.StartsWith(reason, Assert.Throws<TlsException>(() => TlsContext.Client(settings)).Message);
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
