using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Native.Tls;

namespace Ambient.Tests.Unit.Native.Tls;

/// <summary>Against System.Net.Security.SslStream in both roles.</summary>
public sealed class TlsInteropTests
{
    private static readonly TestAuthority Authority = new();

    private readonly TlsContext _client = TlsContext.Client(Authority.Issue());
    private readonly TlsContext _server = TlsContext.Server(Authority.Issue());

    [Fact]
    public async Task SslStream_as_client_exchanges_a_megabyte_with_our_server()
    {
        var (left, right) = TlsOverStream.Loopback();
        using var ours = new TlsOverStream(new TlsSession(_server), right);
        await using var theirs = new SslStream(left);
        byte[] bytes = RandomNumberGenerator.GetBytes(1 << 20);

        var server = Task.Run(() =>
        {
            Assert.Equal(TlsStep.Done, ours.Handshake());
            ours.Write(ours.ReadExactly(bytes.Length));
            Assert.Equal(TlsStep.PeerClosed, ours.Read(new byte[1], out _));
            ours.Close();
        }, TestContext.Current.CancellationToken);
        await theirs.AuthenticateAsClientAsync(ClientOptions(Authority.Issue()), TestContext.Current.CancellationToken);
        Assert.Equal(SslProtocols.Tls13, theirs.SslProtocol);
        var sending = theirs.WriteAsync(bytes, TestContext.Current.CancellationToken).AsTask();
        byte[] received = new byte[bytes.Length];
        await theirs.ReadExactlyAsync(received, TestContext.Current.CancellationToken);
        await sending;
        await theirs.ShutdownAsync();
        Assert.Equal(0, await theirs.ReadAsync(received, TestContext.Current.CancellationToken));
        await server;

        Assert.Equal(bytes, received);
        Assert.Equal(["spiffe://cluster.local/ns/shop/sa/cart"], ours.Session.Peer!.UriSans);
        Assert.Equal("h2", ours.Session.Alpn);
    }

    [Fact]
    public async Task Our_client_exchanges_a_megabyte_with_SslStream_as_server()
    {
        var (left, right) = TlsOverStream.Loopback();
        using var ours = new TlsOverStream(new TlsSession(_client), left);
        await using var theirs = new SslStream(right);
        byte[] bytes = RandomNumberGenerator.GetBytes(1 << 20);
        bool sawClientCertificate = false;

        var client = Task.Run(() =>
        {
            Assert.Equal(TlsStep.Done, ours.Handshake());
            ours.Write(bytes);
            ours.Close();
            return ours.ReadExactly(bytes.Length);
        }, TestContext.Current.CancellationToken);
        await theirs.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = Certificate(Authority.Issue()),
            ClientCertificateRequired = true,
            ApplicationProtocols = [new SslApplicationProtocol("h2")],
            RemoteCertificateValidationCallback = (_, certificate, _, _) => sawClientCertificate = certificate is not null,
        }, TestContext.Current.CancellationToken);
        byte[] received = new byte[bytes.Length];
        await theirs.ReadExactlyAsync(received, TestContext.Current.CancellationToken);
        Assert.Equal(0, await theirs.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        await theirs.WriteAsync(received, TestContext.Current.CancellationToken);
        Assert.Equal(bytes, await client);

        Assert.True(sawClientCertificate);
        Assert.Equal("h2", ours.Session.Alpn);
        Assert.True(ours.Session.VerifyPeerChain(out _) && ours.Session.VerifyPeerChain(out _));
    }

    [Fact]
    public async Task A_client_without_a_certificate_is_refused()
    {
        var (left, right) = TlsOverStream.Loopback();
        using var ours = new TlsOverStream(new TlsSession(_server), right);
        await using var theirs = new SslStream(left);

        var server = Task.Run(ours.Handshake, TestContext.Current.CancellationToken);
        await theirs.AuthenticateAsClientAsync(ClientOptions(null), TestContext.Current.CancellationToken);

        Assert.Equal(TlsStep.Failed, await server);
        Assert.Equal("the peer showed no certificate", ours.Session.Failure);
        await Assert.ThrowsAsync<IOException>(async () => await theirs.ReadExactlyAsync(new byte[1], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_client_that_knows_only_TLS_1_2_is_refused()
    {
        var (left, right) = TlsOverStream.Loopback();
        using var ours = new TlsOverStream(new TlsSession(_server), right);
        await using var theirs = new SslStream(left);
        var options = ClientOptions(Authority.Issue());
        options.EnabledSslProtocols = SslProtocols.Tls12;

        var server = Task.Run(ours.Handshake, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<AuthenticationException>(() => theirs.AuthenticateAsClientAsync(options, TestContext.Current.CancellationToken));

        Assert.Equal(TlsStep.Failed, await server);
        Assert.Equal("the peer does not speak TLS 1.3 (unsupported protocol)", ours.Session.Failure);
    }

    [Fact]
    public async Task A_server_that_knows_only_TLS_1_2_is_refused()
    {
        var (left, right) = TlsOverStream.Loopback();
        using var ours = new TlsOverStream(new TlsSession(_client), left);
        await using var theirs = new SslStream(right);

        var client = Task.Run(ours.Handshake, TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<AuthenticationException>(() => theirs.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = Certificate(Authority.Issue()),
            EnabledSslProtocols = SslProtocols.Tls12,
        }, TestContext.Current.CancellationToken));

        Assert.Equal(TlsStep.Failed, await client);
        Assert.Contains("protocol_version", ours.Session.Failure);
    }

    private static SslClientAuthenticationOptions ClientOptions(TlsSettings? settings) => new()
    {
        TargetHost = "",
        ClientCertificateContext = settings is null ? null : Certificate(settings),
        ApplicationProtocols = [new SslApplicationProtocol("h2")],
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
    };

    private static SslStreamCertificateContext Certificate(TlsSettings settings)
    {
        using var leaf = X509CertificateLoader.LoadCertificate(settings.CertificateChain[0].Span);
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(settings.PrivateKeyPkcs8.Span, out _);
        return SslStreamCertificateContext.Create(leaf.CopyWithPrivateKey(key), additionalCertificates: null, offline: true);
    }
}
