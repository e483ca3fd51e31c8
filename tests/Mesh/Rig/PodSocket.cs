using System.Net;
using System.Net.Sockets;
using Ambient.Cli.Lab;
using Ambient.Native.Namespaces;

namespace Ambient.Tests.Mesh.Rig;

/// <summary>
/// Sockets of the test inside a pod's network: made there, used from here. So a test decides itself when a byte is read, a half is
/// closed or a connection is reset. They keep the namespace alive until they are disposed.
/// </summary>
internal static class PodSocket
{
    /// <summary>How long a test waits for a connection or for bytes.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Listens on a port of both families.</summary>
    public static Socket Listen(string network, int port = Plans.AppPort, int backlog = 512)
    {
        var listener = Make(network, AddressFamily.InterNetworkV6);
        listener.DualMode = true;
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        listener.Listen(backlog);
        return listener;
    }

    /// <summary>Listens on a port of IPv4 alone, as an app does where there is no IPv6.</summary>
    public static Socket ListenV4(string network, int port = Plans.AppPort)
    {
        var listener = Make(network, AddressFamily.InterNetwork);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.Any, port));
        listener.Listen(512);
        return listener;
    }

    /// <summary>Opens a connection.</summary>
    /// <exception cref="SocketException">It was refused.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    public static async Task<Socket> ConnectAsync(string network, IPAddress address, int port, TimeSpan? patience = null)
    {
        var socket = Make(network, address.AddressFamily);
        socket.NoDelay = true;
        using var timer = new CancellationTokenSource(patience ?? Patience);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), timer.Token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Takes the next connection, which has to come in time.</summary>
    public static async Task<Socket> AcceptSoonAsync(this Socket listener)
    {
        using var timer = new CancellationTokenSource(Patience);
        var socket = await listener.AcceptAsync(timer.Token);
        socket.NoDelay = true;
        return socket;
    }

    /// <summary>Sends all of it.</summary>
    public static async Task SendAllAsync(this Socket socket, ReadOnlyMemory<byte> bytes)
    {
        using var timer = new CancellationTokenSource(Patience);
        while (!bytes.IsEmpty) bytes = bytes[await socket.SendAsync(bytes, timer.Token)..];
    }

    /// <summary>Reads exactly so many bytes.</summary>
    /// <exception cref="EndOfStreamException">The stream ended before.</exception>
    public static async Task<byte[]> ReceiveExactlyAsync(this Socket socket, int count)
    {
        using var timer = new CancellationTokenSource(Patience);
        var bytes = new byte[count];
        for (var read = 0; read < count;)
        {
            var some = await socket.ReceiveAsync(bytes.AsMemory(read), timer.Token);
            if (some == 0) throw new EndOfStreamException($"The stream ended after {read} of {count} bytes.");
            read += some;
        }
        return bytes;
    }

    /// <summary>Reads until the stream ends cleanly.</summary>
    public static async Task<byte[]> ReceiveToEndAsync(this Socket socket)
    {
        using var timer = new CancellationTokenSource(Patience);
        using var all = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await socket.ReceiveAsync(buffer, timer.Token) is > 0 and var some) all.Write(buffer, 0, some);
        return all.ToArray();
    }

    /// <summary>Ends the connection at once: the other side sees a reset.</summary>
    public static void Reset(this Socket socket)
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Dispose();
    }

    // A network namespace belongs to a thread: one of its own, that ends with the work.
    private static Socket Make(string network, AddressFamily family)
    {
        Socket? made = null;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var entry = new NamespaceEntry();
                if (!NetworkNamespace.TryOpen(Topology.PathOf(network), out var inside, out var reason)) throw new InvalidOperationException(reason);
                using (inside) made = entry.Run(inside!, () => new Socket(family, SocketType.Stream, ProtocolType.Tcp));
            }
            catch (Exception fault)
            {
                failure = fault;
            }
        });
        thread.Start();
        thread.Join();
        return made ?? throw new InvalidOperationException($"No socket in {network}.", failure);
    }
}
