using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ambient.Bench.Rig.Peers.Ztunnel.Wire;
using Ambient.Cli.Lab;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ambient.Bench.Rig.Peers.Ztunnel;

/// <summary>The certificate authority that a ztunnel gets its pods' certificates from: it signs what it is asked, for the bench alone.</summary>
internal sealed class ZtunnelAuthority : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly PeerAuthority _root;

    private ZtunnelAuthority(WebApplication server, PeerAuthority root, string rootFile) => (_server, _root, RootFile) = (server, root, rootFile);

    /// <summary>Its root, in PEM.</summary>
    public string RootFile { get; }

    /// <summary>Where nodes reach it.</summary>
    public string Address => _server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>Starts it on the lab's control network.</summary>
    public static async Task<ZtunnelAuthority> StartAsync(string folder)
    {
        var root = new PeerAuthority();
        var rootFile = Path.Combine(folder, "ztunnel-root.pem");
        await File.WriteAllTextAsync(rootFile, root.RootPem);
        var address = IPAddress.Parse(Topology.ControllerAddress);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(address, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(ServerCertificate(root, address));
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(root);
        var server = builder.Build();
        server.MapGrpcService<Service>();
        await server.StartAsync();
        return new ZtunnelAuthority(server, root, rootFile);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _root.Dispose();
    }

    private static X509Certificate2 ServerCertificate(PeerAuthority root, IPAddress address)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(address);
        using var leaf = root.Sign(new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256), names.Build());
        return leaf.CopyWithPrivateKey(key);
    }

    private sealed class Service(PeerAuthority root) : IstioCertificateService.IstioCertificateServiceBase
    {
        private const string SubjectAlternativeNames = "2.5.29.17";

        // The name that is asked for is in the request; nothing else of it is taken over.
        public override Task<IstioCertificateResponse> CreateCertificate(IstioCertificateRequest request, ServerCallContext context)
        {
            var asked = CertificateRequest.LoadSigningRequestPem(request.Csr, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
            var names = asked.CertificateExtensions.Single(extension => extension.Oid?.Value == SubjectAlternativeNames);
            asked.CertificateExtensions.Clear();
            using var leaf = root.Sign(asked, new X509Extension(names, critical: true));
            return Task.FromResult(new IstioCertificateResponse { CertChain = { leaf.ExportCertificatePem() + "\n", root.RootPem } });
        }
    }
}
