using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Ambient.Tests.Kubernetes.Source;

/// <summary>A proxy that knows CONNECT alone.</summary>
internal sealed class ConnectProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _accepting;
    private int _connections;

    internal ConnectProxy()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    internal string Url => $"http://{_listener.LocalEndpoint}";

    internal int Connections => _connections;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                _ = Task.Run(() => CarryAsync(client));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private async Task CarryAsync(TcpClient client)
    {
        using var here = client;
        var stream = client.GetStream();
        var head = new StringBuilder();
        var unit = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(unit) == 1)
            head.Append((char)unit[0]);
        var target = IPEndPoint.Parse(head.ToString().Split(' ')[1]);
        using var server = new TcpClient();
        await server.ConnectAsync(target);
        Interlocked.Increment(ref _connections);
        await stream.WriteAsync("HTTP/1.1 200 OK\r\n\r\n"u8.ToArray());
        await Task.WhenAny(stream.CopyToAsync(server.GetStream()), server.GetStream().CopyToAsync(stream));
    }
}
