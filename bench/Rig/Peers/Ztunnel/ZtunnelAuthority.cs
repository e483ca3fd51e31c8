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

/// <summary>The certificate authority that a ztunnel gets its pods' certificates from: it signs what it is asked, for the bench alone. Keys of the same kind as ours.</summary>
internal sealed class ZtunnelAuthority : IAsyncDisposable
{
    private static readonly TimeSpan LeafLifetime = TimeSpan.FromDays(1);

    private readonly WebApplication _server;

    private ZtunnelAuthority(WebApplication server, string rootFile) => (_server, RootFile) = (server, rootFile);

    /// <summary>Its root, in PEM.</summary>
    public string RootFile { get; }

    /// <summary>Where nodes reach it.</summary>
    public string Address => _server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>Starts it on the lab's control network.</summary>
    public static async Task<ZtunnelAuthority> StartAsync(string folder)
    {
        var signer = new Signer();
        var rootFile = Path.Combine(folder, "ztunnel-root.pem");
        await File.WriteAllTextAsync(rootFile, signer.RootPem);
        var address = IPAddress.Parse(Topology.ControllerAddress);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(address, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(signer.ServerCertificate(address));
        }));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(signer);
        var server = builder.Build();
        server.MapGrpcService<Service>();
        await server.StartAsync();
        return new ZtunnelAuthority(server, rootFile);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private sealed class Service(Signer signer) : IstioCertificateService.IstioCertificateServiceBase
    {
        public override Task<IstioCertificateResponse> CreateCertificate(IstioCertificateRequest request, ServerCallContext context) =>
            Task.FromResult(new IstioCertificateResponse { CertChain = { signer.Sign(request.Csr), signer.RootPem } });
    }

    private sealed class Signer : IDisposable
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        private readonly X509Certificate2 _root;

        public Signer()
        {
            var request = new CertificateRequest("O=bench", _key, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
            var now = TimeProvider.System.GetUtcNow();
            _root = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(2));
        }

        public string RootPem => _root.ExportCertificatePem() + "\n";

        // The name that is asked for is in the request; nothing else of it is taken over.
        public string Sign(string csr)
        {
            var asked = CertificateRequest.LoadSigningRequestPem(csr, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions);
            var names = asked.CertificateExtensions.Single(extension => extension.Oid?.Value == "2.5.29.17");
            asked.CertificateExtensions.Clear();
            using var leaf = Issue(asked, new X509Extension(names, critical: true));
            return leaf.ExportCertificatePem() + "\n";
        }

        public X509Certificate2 ServerCertificate(IPAddress address)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddIpAddress(address);
            using var leaf = Issue(new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256), names.Build());
            return leaf.CopyWithPrivateKey(key);
        }

        public void Dispose()
        {
            _root.Dispose();
            _key.Dispose();
        }

        private X509Certificate2 Issue(CertificateRequest request, X509Extension names)
        {
            request.CertificateExtensions.Add(names);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
            var now = TimeProvider.System.GetUtcNow();
            return request.Create(_root.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), now.AddHours(-1), now + LeafLifetime, RandomNumberGenerator.GetBytes(12));
        }
    }
}
