using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Ambient.Tests.Unit.Http2.Interop;

/// <summary>How Kestrel takes our requests over HTTP/2 without TLS, and what it answers.</summary>
public sealed class KestrelTests
{
    [Fact]
    public async Task Kestrel_understands_our_requests_and_its_answers_are_read()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        CancellationToken stop = timeout.Token;
        await using WebApplication app = Echo();
        await app.StartAsync(stop);
        using var connection = new TcpClient();
        await connection.ConnectAsync(AddressOf(app), stop);
        var client = new Http2Peer(connection.GetStream(), isServer: false);
        var body = new byte[250_000];
        new Random(3).NextBytes(body);
        await client.PumpUntil(() => client.WasAcknowledged, stop);

        for (int i = 0; i < 5; i++)
        {
            int stream = 1 + 2 * i;
            client.SendHeaders(
                stream, endStream: false, ":method: POST", ":scheme: http", ":authority: shop", $":path: /echo?n={i}", "x-kept: the same each time",
                "authorization: Bearer secret", $"x-long: {new string('v', 3_000 + i)}");
            await client.SendData(stream, body, endStream: true, stop);
            client.SendPing();
            await client.PumpUntil(() => client.Ended.Contains(stream) && client.Pongs == i + 1, stop);

            string[] answer = client.Headers[stream][0];
            Assert.Contains(":status: 200", answer);
            Assert.Contains($"x-seen: /echo?n={i} the same each time Bearer secret {3_000 + i}", answer);
            Assert.Equal(body, client.Data[stream].ToArray());
            Assert.Equal(["x-trailer: end"], client.Headers[stream][1]);
        }

        Assert.Empty(client.Resets);
        Assert.False(client.IsGoing);
    }

    private static WebApplication Echo()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        WebApplication app = builder.Build();
        app.Run(async context =>
        {
            IHeaderDictionary headers = context.Request.Headers;
            context.Response.Headers["x-seen"] =
                $"{context.Request.Path}{context.Request.QueryString} {headers["x-kept"]} {headers.Authorization} {headers["x-long"].ToString().Length}";
            context.Response.DeclareTrailer("x-trailer");
            await context.Request.Body.CopyToAsync(context.Response.Body);
            context.Response.AppendTrailer("x-trailer", "end");
        });
        return app;
    }

    private static IPEndPoint AddressOf(WebApplication app)
    {
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new IPEndPoint(IPAddress.Loopback, new Uri(address).Port);
    }
}
