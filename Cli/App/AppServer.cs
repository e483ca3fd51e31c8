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

    /// <summary>Serves until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptAsync(cancellation), cancellation);
        }
        catch (OperationCanceledException)
        {
            // Told to end.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private static async Task ServeAsync(Socket connection, CancellationToken cancellation)
    {
        using var _ = connection;
        connection.NoDelay = true;
        var buffer = new byte[16 * 1024];
        Pattern? pattern = null;
        try
        {
            while (await FillAsync(connection, buffer.AsMemory(0, RequestHead.Bytes), cancellation) && RequestHead.TryRead(buffer, out var head))
            {
                if (pattern?.Seed != head.Seed) pattern = new Pattern(head.Seed);
                for (long read = 0; read < head.RequestBytes;)
                {
                    var some = await connection.ReceiveAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, head.RequestBytes - read)), cancellation);
                    if (some == 0 || !pattern.Matches(read, buffer.AsSpan(0, some))) return;
                    read += some;
                }
                for (long sent = 0; sent < head.AnswerBytes;)
                    sent += await connection.SendAsync(pattern.From(sent, head.AnswerBytes - sent), cancellation);
            }
        }
        catch (Exception fault) when (fault is SocketException or OperationCanceledException)
        {
            // The client went, which is its right.
        }
    }

    private static async Task<bool> FillAsync(Socket connection, Memory<byte> buffer, CancellationToken cancellation)
    {
        while (!buffer.IsEmpty)
        {
            var some = await connection.ReceiveAsync(buffer, cancellation);
            if (some == 0) return false;
            buffer = buffer[some..];
        }
        return true;
    }
}
