using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Ambient.Tests.Unit.Http2.Interop;

/// <summary>What .NET's HttpClient says over HTTP/2 without TLS, and how it takes our answers.</summary>
public sealed class HttpClientTests
{
    [Fact]
    public async Task HttpClients_requests_are_read_and_our_answers_are_understood()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        CancellationToken stop = timeout.Token;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var upload = new byte[300_000];
        var download = new byte[200_000];
        new Random(1).NextBytes(upload);
        new Random(2).NextBytes(download);
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        client.DefaultRequestHeaders.Add("baggage", "k8s.namespace.name=shop,service.name=cart");
        client.DefaultRequestHeaders.Add("x-long", new string('v', 5_000));

        Task serving = Serve(listener, upload, download, requests: 3, stop);
        for (int i = 0; i < 3; i++)
        {
            using HttpResponseMessage answer = await client.PostAsync($"http://{listener.LocalEndpoint}/orders?n={i}", new ByteArrayContent(upload), stop);

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal($"answer-{i}", answer.Headers.GetValues("x-number").Single());
            Assert.Equal("secret", answer.Headers.GetValues("set-cookie").Single());
            Assert.Equal(download, await answer.Content.ReadAsByteArrayAsync(stop));
            Assert.Equal("0", answer.TrailingHeaders.GetValues("grpc-status").Single());
        }

        client.Dispose();
        await serving;
    }

    [Fact]
    public async Task HttpClient_is_told_why_a_stream_was_reset()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        CancellationToken stop = timeout.Token;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        Task<HttpResponseMessage> asking = client.GetAsync($"http://{listener.LocalEndpoint}/", stop);
        using TcpClient accepted = await listener.AcceptTcpClientAsync(stop);
        var server = new Http2Peer(accepted.GetStream(), isServer: true);
        await server.PumpUntil(() => server.Ended.Contains(1), stop);
        server.SendReset(1, Ambient.NodeProxy.Http2.Http2ErrorCode.EnhanceYourCalm);
        await server.PumpUntil(() => true, stop);

        var failure = await Assert.ThrowsAsync<HttpRequestException>(() => asking);
        Assert.Equal((long)Ambient.NodeProxy.Http2.Http2ErrorCode.EnhanceYourCalm, Assert.IsType<HttpProtocolException>(failure.InnerException).ErrorCode);
    }

    private static async Task Serve(TcpListener listener, byte[] upload, byte[] download, int requests, CancellationToken stop)
    {
        using TcpClient accepted = await listener.AcceptTcpClientAsync(stop);
        var server = new Http2Peer(accepted.GetStream(), isServer: true);
        for (int i = 0; i < requests; i++)
        {
            int stream = 1 + 2 * i;
            await server.PumpUntil(() => server.Ended.Contains(stream), stop);
            string[] request = server.Headers[stream].Single();
            Assert.Contains(":method: POST", request);
            Assert.Contains($":path: /orders?n={i}", request);
            Assert.Contains("baggage: k8s.namespace.name=shop,service.name=cart", request);
            Assert.Equal(upload, server.Data[stream].ToArray());
            server.SendHeaders(stream, endStream: false, ":status: 200", $"x-number: answer-{i}", "set-cookie: secret", "content-type: application/octet-stream");
            await server.SendData(stream, download, endStream: false, stop);
            server.SendHeaders(stream, endStream: true, "grpc-status: 0");
            await server.PumpUntil(() => server.WasAcknowledged, stop);
        }

        // The client closes first. If we did, with its last WINDOW_UPDATEs unread, the kernel would send a reset, and that
        // overtakes what the client has not read of the answer (RFC 1122 section 4.2.2.13).
        await server.PumpUntilClosed(stop);
    }
}
