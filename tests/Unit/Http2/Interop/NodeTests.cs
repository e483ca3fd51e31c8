using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Ambient.NodeProxy.Http2;
using Xunit;

namespace Ambient.Tests.Unit.Http2.Interop;

/// <summary>
/// Classic CONNECT with Node's http2 module (nghttp2 inside), which neither .NET client nor server offers. It writes Huffman
/// strings and uses the dynamic table.
/// </summary>
public sealed class NodeTests
{
    private const string Node = "/usr/bin/node";

    private const string Server = """
        const server = require('http2').createServer();
        server.on('stream', (stream, headers) => {
          stream.on('error', () => {});
          if (headers[':method'] !== 'CONNECT' || headers[':scheme'] || headers[':path']) { stream.respond({':status': 400}, {endStream: true}); return; }
          if (headers[':authority'] === '10.0.0.9:1') { stream.close(10); return; }
          stream.respond({':status': 200, 'baggage': headers['baggage'], 'x-target': headers[':authority']});
          stream.pipe(stream);
        });
        server.listen(0, '127.0.0.1', () => console.log(server.address().port));
        process.stdin.on('end', () => process.exit(0)).resume();
        """;

    private const string Client = """
        const session = require('http2').connect('http://127.0.0.1:' + process.argv[1]);
        const ask = (n) => new Promise((resolve, reject) => {
          const stream = session.request({':method': 'CONNECT', ':authority': '10.0.0.' + n + ':8080', 'baggage': 'service.name=cart', 'x-n': String(n)}, {endStream: false});
          let length = 0, status = 0;
          stream.on('response', headers => { status = headers[':status']; stream.end(Buffer.alloc(100000, n)); });
          stream.on('data', chunk => { for (const byte of chunk) if (byte !== n) reject(new Error('wrong byte')); length += chunk.length; });
          stream.on('end', () => resolve(status + ' ' + length));
          stream.on('error', reject);
        });
        (async () => { for (let n = 1; n <= 4; n++) console.log(await ask(n)); session.close(); })().catch(error => { console.log(error.message); process.exit(1); });
        """;

    [Fact]
    public async Task Our_CONNECT_is_a_tunnel_through_Nodes_server()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        CancellationToken stop = timeout.Token;
        using Process node = Start(Server);
        try
        {
            int port = int.Parse((await node.StandardOutput.ReadLineAsync(stop))!, System.Globalization.CultureInfo.InvariantCulture);
            using var connection = new TcpClient();
            await connection.ConnectAsync(IPAddress.Loopback, port, stop);
            var client = new Http2Peer(connection.GetStream(), isServer: false);
            var body = new byte[150_000];
            new Random(4).NextBytes(body);
            await client.PumpUntil(() => client.WasAcknowledged, stop);

            for (int i = 0; i < 4; i++)
            {
                int stream = 1 + 2 * i;
                client.SendHeaders(stream, endStream: false, ":method: CONNECT", $":authority: 10.0.0.{i}:8080", "baggage: service.name=cart,zone=\u00e9");
                await client.PumpUntil(() => client.Headers.ContainsKey(stream), stop);
                Assert.Contains(":status: 200", client.Headers[stream][0]);
                Assert.Contains($"x-target: 10.0.0.{i}:8080", client.Headers[stream][0]);
                await client.SendData(stream, body, endStream: true, stop);
                await client.PumpUntil(() => client.Ended.Contains(stream), stop);
                Assert.Equal(body, client.Data[stream].ToArray());
            }

            client.SendHeaders(9, endStream: false, ":method: CONNECT", ":authority: 10.0.0.9:1");
            await client.PumpUntil(() => client.Resets.ContainsKey(9), stop);
            Assert.Equal(Http2ErrorCode.ConnectError, client.Resets[9]);
        }
        finally
        {
            await End(node);
        }
    }

    [Fact]
    public async Task Nodes_CONNECT_is_a_tunnel_through_our_server()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        CancellationToken stop = timeout.Token;
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using Process node = Start(Client, ((IPEndPoint)listener.LocalEndpoint).Port.ToString(System.Globalization.CultureInfo.InvariantCulture));
        try
        {
            using TcpClient accepted = await listener.AcceptTcpClientAsync(stop);
            var server = new Http2Peer(accepted.GetStream(), isServer: true);
            for (int n = 1; n <= 4; n++)
            {
                int stream = 2 * n - 1;
                await server.PumpUntil(() => server.Headers.ContainsKey(stream), stop);
                string[] expected = [$":authority: 10.0.0.{n}:8080", ":method: CONNECT", "baggage: service.name=cart", $"x-n: {n}"];
                Assert.Equal(expected, server.Headers[stream].Single().Order(StringComparer.Ordinal));
                server.SendHeaders(stream, endStream: false, ":status: 200", "baggage: service.name=orders");
                await server.PumpUntil(() => server.Ended.Contains(stream), stop);
                await server.SendData(stream, server.Data[stream].ToArray(), endStream: true, stop);
                Assert.Equal("200 100000", await node.StandardOutput.ReadLineAsync(stop));
            }
        }
        finally
        {
            await End(node);
        }
    }

    private static Process Start(string script, params string[] arguments)
    {
        Assert.SkipWhen(!File.Exists(Node), "Node is not installed.");
        var start = new ProcessStartInfo(Node) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("-e");
        start.ArgumentList.Add(script);
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static async Task End(Process node)
    {
        node.StandardInput.Close();
        if (!node.HasExited)
            node.Kill();
        await node.WaitForExitAsync();
    }
}
