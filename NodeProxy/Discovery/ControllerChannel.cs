using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Net.Client;

namespace Ambient.NodeProxy.Discovery;

/// <summary>
/// A gRPC channel to the controller: TLS 1.3, trust in the given roots only (not the system's), and one expected name whatever address is
/// dialled. Trust is given beforehand, never learnt on first use; a controller that was trusted may name further roots.
/// </summary>
internal sealed class ControllerChannel : IDisposable
{
    private const int LargestMessageBytes = 64 * 1024 * 1024;   // a part of a view; controllers send far smaller ones

    private readonly X509Certificate2Collection _roots = [];
    private readonly GrpcChannel _channel;

    public ControllerChannel(ControllerStreamOptions options, IEnumerable<byte[]> learntRoots)
    {
        _roots.ImportFromPemFile(options.BundleFile);
        if (_roots.Count == 0)
            throw new InvalidDataException($"{options.BundleFile} holds no certificate");
        foreach (byte[] root in learntRoots)
            _roots.Add(X509CertificateLoader.LoadCertificate(root));
        string host = options.Controller.IdnHost;
        int port = options.Controller.Port;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),      // a controller whose machine vanished is noticed within 15 s
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
            // The URI below carries the expected name, so that the usual check of the certificate's name does the work; the address is here.
            ConnectCallback = (_, cancellation) => ConnectAsync(host, port, cancellation),
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13,
                CertificateChainPolicy = Policy(_roots),
            },
        };
        _channel = GrpcChannel.ForAddress($"https://{ControllerStreamOptions.ControllerName}", new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = LargestMessageBytes,
        });
    }

    public GrpcChannel Channel => _channel;

    public void Dispose()
    {
        _channel.Dispose();
        foreach (X509Certificate2 root in _roots)
            root.Dispose();
    }

    private static X509ChainPolicy Policy(X509Certificate2Collection roots)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    private static async ValueTask<Stream> ConnectAsync(string host, int port, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
