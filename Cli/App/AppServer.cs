using System.Net;
using System.Net.Sockets;

namespace Ambient.Cli.App;

/// <summary>The demo's server: answers requests one after another on each connection, and hangs up on anything that is not as announced.</summary>
internal sealed class AppServer : IDisposable
{
    private const int Backlog = 1024;

    private readonly Socket _listener;

    /// <summary>Listens on a port of both families.</summary>
    /// <exception cref="SocketException">The port is taken.</exception>
    public AppServer(int port)
    {
        _listener = new Socket(Socket.OSSupportsIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        if (Socket.OSSupportsIPv6) _listener.DualMode = true;
        _listener.Bind(new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port));
        _listener.Listen(Backlog);
    }

    /// <summary>
    /// Serves until it is told to stop; then, as an app with manners does, takes what the kernel has accepted for it, closes its listener at
    /// once, and ends when its last connection has.
    /// </summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var open = new List<Task>();
        try
        {
            while (true)
            {
                var connection = await _listener.AcceptAsync(stop);
                open.RemoveAll(task => task.IsCompleted);
                open.Add(ServeAsync(connection));
            }
        }
        catch (OperationCanceledException)
        {
            while (_listener.Poll(0, SelectMode.SelectRead)) open.Add(ServeAsync(_listener.Accept()));
            _listener.Dispose();
        }
        await Task.WhenAll(open);
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private static async Task ServeAsync(Socket connection)
    {
        using var _ = connection;
        connection.NoDelay = true;
        var buffer = new byte[16 * 1024];
        Pattern? pattern = null;
        try
        {
            while (await FillAsync(connection, buffer.AsMemory(0, RequestHead.Bytes)) && RequestHead.TryRead(buffer, out var head))
            {
                if (pattern?.Seed != head.Seed) pattern = new Pattern(head.Seed);
                for (long read = 0; read < head.RequestBytes;)
                {
                    var some = await connection.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, head.RequestBytes - read)));
                    if (some == 0 || !pattern.Matches(read, buffer.AsSpan(0, some))) return;
                    read += some;
                }
                for (long sent = 0; sent < head.AnswerBytes;)
                    sent += await connection.SendAsync(pattern.From(sent, head.AnswerBytes - sent));
            }
        }
        catch (SocketException)
        {
            // The client went, which is its right.
        }
    }

    private static async Task<bool> FillAsync(Socket connection, Memory<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var some = await connection.ReceiveAsync(buffer);
            if (some == 0) return false;
            buffer = buffer[some..];
        }
        return true;
    }
}
