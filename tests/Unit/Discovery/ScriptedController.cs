using System.Net;
using System.Security.Authentication;
using System.Threading.Channels;
using Ambient.Protocol.Discovery.V1;
using Ambient.Tests.Unit.Identity;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ambient.Tests.Unit.Discovery;

/// <summary>A controller that does what the test says: a real gRPC server behind real TLS on loopback.</summary>
internal sealed class ScriptedController : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Channel<ControllerSide> _streams;
    private readonly string _folder;

    private ScriptedController(WebApplication app, Channel<ControllerSide> streams, string folder, int port) =>
        (_app, _streams, _folder, Port) = (app, streams, folder, port);

    public int Port { get; }

    public string BundleFile => Path.Combine(_folder, "bundle.pem");

    public string TokenFile => Path.Combine(_folder, "token");

    public static async Task<ScriptedController> StartAsync(TestAuthority authority, string dnsName = "ambient-controller", int port = 0)
    {
        string folder = Directory.CreateTempSubdirectory("ambient-test-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "bundle.pem"), authority.Root.ExportCertificatePem());
        await File.WriteAllTextAsync(Path.Combine(folder, "token"), "first-token\n");
        var streams = Channel.CreateUnbounded<ControllerSide>();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(streams);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            listen.UseHttps(authority.Server(dnsName), https => https.SslProtocols = SslProtocols.Tls13);
        }));
        builder.WebHost.UseKestrelHttpsConfiguration();
        WebApplication app = builder.Build();
        app.MapGrpcService<Service>();
        await app.StartAsync();
        return new ScriptedController(app, streams, folder, new Uri(app.Urls.Single()).Port);
    }

    /// <summary>The next stream that a node opens.</summary>
    public async Task<ControllerSide> NextStreamAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        return await _streams.Reader.ReadAsync(deadline.Token);
    }

    public bool HasStream => _streams.Reader.Count > 0;

    public async ValueTask DisposeAsync()
    {
        while (_streams.Reader.TryRead(out ControllerSide? stream))
            stream.End(Status.DefaultCancelled);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private sealed class Service(Channel<ControllerSide> streams) : NodeDiscovery.NodeDiscoveryBase
    {
        public override async Task Connect(IAsyncStreamReader<NodeMessage> incoming, IServerStreamWriter<ControllerMessage> outgoing, ServerCallContext context)
        {
            var side = new ControllerSide(incoming, outgoing, context);
            await streams.Writer.WriteAsync(side);
            await side.Ended.WaitAsync(context.CancellationToken);
        }
    }
}
