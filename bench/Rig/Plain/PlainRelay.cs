using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Pipelines.Sockets.Unofficial;

namespace Ambient.Bench.Rig.Plain;

/// <summary>
/// A good plain C# relay: pipes over sockets by Pipelines.Sockets.Unofficial, SslStream on the side that has TLS. It is a peer, not the
/// product: no policy, no limits.
/// </summary>
internal sealed class PlainRelay(X509Certificate2? serverCertificate, X509Certificate2? clientCertificate, X509Certificate2? root)
{
    // What the server's certificate is for: `bench/Rig/Peers/PeerKeys`.
    private const string ServerName = "b0.bench";

    // Of SslStream's own records 16 KB fit into one read at most; several wait for it.
    private static readonly StreamPipeReaderOptions Reading = new(bufferSize: 64 * 1024);
    private static readonly StreamPipeWriterOptions Writing = new(minimumBufferSize: 64 * 1024);

    // Made once: it holds the chain, and what TLS libraries remember of sessions with it.
    private readonly SslStreamCertificateContext? _server = serverCertificate is null ? null : SslStreamCertificateContext.Create(serverCertificate, [root!], offline: true);
    private readonly SslStreamCertificateContext? _client = clientCertificate is null ? null : SslStreamCertificateContext.Create(clientCertificate, [root!], offline: true);

    /// <summary>Forwards a port for good.</summary>
    public async Task ServeAsync(IPEndPoint from, IPEndPoint to)
    {
        using var listener = new Socket(from.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(from);
        listener.Listen(4096);
        while (true) _ = RelayAsync(await listener.AcceptAsync(), to);
    }

    private async Task RelayAsync(Socket accepted, IPEndPoint to)
    {
        using var opened = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            SocketConnection.SetRecommendedServerOptions(accepted);
            SocketConnection.SetRecommendedClientOptions(opened);
            await opened.ConnectAsync(to);
            await using var downstream = _server is null ? null : await AsServerAsync(accepted);
            await using var upstream = _client is null ? null : await AsClientAsync(opened);
            IDuplexPipe left = downstream is null ? SocketConnection.Create(accepted) : PipeOf(downstream);
            IDuplexPipe right = upstream is null ? SocketConnection.Create(opened) : PipeOf(upstream);
            await Task.WhenAll(CopyAsync(left.Input, right.Output), CopyAsync(right.Input, left.Output));
            accepted.Dispose();
        }
        catch (Exception fault) when (fault is IOException or SocketException or AuthenticationException or ConnectionResetException)
        {
            accepted.Dispose(); // a bench shows what is lost; the relay goes on
        }
    }

    private static async Task CopyAsync(PipeReader from, PipeWriter to)
    {
        await from.CopyToAsync(to);
        await to.CompleteAsync();
        await from.CompleteAsync();
    }

    private static StreamPipe PipeOf(SslStream stream) => new(PipeReader.Create(stream, Reading), PipeWriter.Create(stream, Writing));

    private async Task<SslStream> AsServerAsync(Socket socket)
    {
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _server,
            ClientCertificateRequired = true,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, peer, _, _) => IsOfRoot(peer),
        });
        return stream;
    }

    private async Task<SslStream> AsClientAsync(Socket socket)
    {
        var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = ServerName,
            ClientCertificateContext = _client,
            EnabledSslProtocols = SslProtocols.Tls13,
            RemoteCertificateValidationCallback = (_, peer, _, errors) => !errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) && IsOfRoot(peer),
        });
        return stream;
    }

    private bool IsOfRoot(X509Certificate? peer)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root!);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return peer is X509Certificate2 certificate && chain.Build(certificate);
    }

    private sealed record StreamPipe(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
