using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace Ambient.Tests.Unit.Controller;

/// <summary>Whom the controller's listener speaks to at all: TLS 1.3 with HTTP/2 in it.</summary>
public sealed class ControlTlsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("HTTP/1.1 only")]
    [InlineData("no protocol named")]
    [InlineData("TLS 1.2")]
    [InlineData("no TLS")]
    [InlineData("another root")]
    public async Task A_client_that_speaks_something_else_is_refused_with_a_reason_in_log_and_metric(string what)
    {
        await using var rig = await ControllerRig.StartAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync(rig.Host.EndPoint, Stop);
        await using var plain = socket.GetStream();
        await using var tls = new SslStream(plain);
        string reason;
        if (what == "no TLS")
        {
            reason = "HTTP without TLS";
            await plain.WriteAsync("GET / HTTP/1.1\r\nHost: controller\r\n\r\n"u8.ToArray(), Stop);
        }
        else
        {
            reason = what switch { "TLS 1.2" => "does not speak TLS 1.3", "HTTP/1.1 only" => "none of our application protocols", "another root" => "may not trust", _ => "it does not offer h2" };
            var options = new SslClientAuthenticationOptions
            {
                TargetHost = "ambient-controller",
                RemoteCertificateValidationCallback = (_, _, _, _) => what != "another root",
                EnabledSslProtocols = what == "TLS 1.2" ? SslProtocols.Tls12 : SslProtocols.Tls13,
                ApplicationProtocols = what switch { "HTTP/1.1 only" => [SslApplicationProtocol.Http11], "another root" => [SslApplicationProtocol.Http2], _ => null },
            };
            // Without a protocol the handshake itself succeeds.
            if (what == "no protocol named") await tls.AuthenticateAsClientAsync(options, Stop);
            else await Assert.ThrowsAsync<AuthenticationException>(() => tls.AuthenticateAsClientAsync(options, Stop));
            socket.Close();
        }
        await rig.LoggedAsync(reason);
        Assert.Contains("ambient_controller_streams_refused_total{reason=\"handshake\"} 1", await rig.GetAsync("/metrics"));

        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();
    }

    [Fact]
    public async Task A_look_at_the_port_is_no_refusal()
    {
        await using var rig = await ControllerRig.StartAsync();
        using (var socket = new TcpClient())
            await socket.ConnectAsync(rig.Host.EndPoint, Stop);
        await rig.LoggedAsync(" stopped.");         // Kestrel's word on a connection, and there was this one
        await using var node = await rig.ConnectAsync("a");
        await node.SettleAsync();
        Assert.Contains("ambient_controller_streams_refused_total{reason=\"handshake\"} 0", await rig.GetAsync("/metrics"));
    }
}
